from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmkeras.arguments import whole_number
from mmkeras.metrics.statistics.require_numbers import require_numbers


def retrieval_scores(
    similarity: np.ndarray,
    relevant: Sequence[Sequence[int]] | None = None,
    ks: Sequence[int] = (1, 5, 10),
) -> dict[str, float]:
    """Computes recall, rank and precision of retrieval.

    Of items with equal similarity, relevant ones are ranked last, so that a model
    with equal scores for all items does not look good.

    Args:
        similarity: float `[queries, items]`, the similarity of queries and items.
        relevant: sequence of the indices of the items that are relevant for each query
            (an image has several captions; transpose the matrix for the other
            direction); by default the item of the same index.
        ks: sequence of ints, the numbers of retrieved items.

    Returns:
        Dict of `"Recall@K"` (fraction of queries with a relevant item among the first
        K), `"median_rank"` and `"MRR"` (of the first relevant item, counted from 1) and
        `"mAP"`.

    Raises:
        ValueError: if a similarity is not finite, a query has no relevant item or an
            index out of range, or a K is not a positive integer.
    """
    similarity = require_numbers(similarity, "similarity")
    if similarity.ndim != 2 or not similarity.size:
        raise ValueError(
            "`similarity` must be [queries, items], with at least one of each. "
            f"Received shape {similarity.shape}."
        )
    ks = [whole_number("ks", k, 1) for k in ks]
    marked = _marked(similarity.shape, relevant)
    # Sorted by the second key, then by the first: relevant items are last in ties.
    order = np.lexsort((marked, -similarity))
    hits = np.take_along_axis(marked, order, axis=1)
    first = hits.argmax(axis=1) + 1
    places = np.arange(1, hits.shape[1] + 1)
    precisions = np.where(hits, hits.cumsum(axis=1) / places, 0)
    scores = {f"Recall@{k}": float((first <= k).mean()) for k in ks}
    return {
        **scores,
        "median_rank": float(np.median(first)),
        "MRR": float((1 / first).mean()),
        "mAP": float((precisions.sum(axis=1) / hits.sum(axis=1)).mean()),
    }


def _marked(shape: tuple[int, int], relevant) -> np.ndarray:
    marked = np.zeros(shape, bool)
    if relevant is None:
        relevant = [[query] for query in range(shape[0])]
    if len(relevant) != shape[0]:
        raise ValueError(
            f"`relevant` must have the items of each of {shape[0]} queries. "
            f"Received: {len(relevant)}."
        )
    for query, items in enumerate(relevant):
        items = np.asarray(items, np.int64).reshape(-1)
        if not len(items) or items.min() < 0 or items.max() >= shape[1]:
            raise ValueError(
                f"`relevant` of query {query} must be at least one index of an item, "
                f"from 0 to {shape[1] - 1}. Received: {items.tolist()}."
            )
        marked[query, items] = True
    return marked
