from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmkeras.metrics.statistics.require_numbers import require_numbers


def retrieval_scores(
    similarity: np.ndarray,
    relevant: Sequence[Sequence[int]] | None = None,
    ks: Sequence[int] = (1, 5, 10),
) -> dict[str, float]:
    """How well queries find what belongs to them.

    Of equals in similarity, what is not relevant is taken to come first, so that a
    model that gives all the same score does not look good.

    Args:
        similarity: float `[queries, items]`, higher for what is closer.
        relevant: for each query, the items that belong to it (an image has several
            captions; transpose the matrix for the other direction); by default the item
            of its own number.
        ks: ints.

    Returns:
        Dict of `"Recall@K"` (share of queries with a relevant item among the first K),
        `"median_rank"` and `"MRR"` (of the first relevant item, from 1) and `"mAP"`.

    Raises:
        ValueError: if a similarity is not finite, or a query has nothing relevant or
            something out of range.
    """
    similarity = require_numbers(similarity, "similarity")
    if similarity.ndim != 2 or not similarity.size:
        raise ValueError(
            "`similarity` must be [queries, items], with one of each at least. "
            f"Received shape {similarity.shape}."
        )
    marked = _marked(similarity.shape, relevant)
    # Ascending in the second key, then in the first: ties have the relevant ones last.
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
                f"`relevant` of query {query} must be numbers of items, from 0 to "
                f"{shape[1] - 1}, one at least. Received: {items.tolist()}."
            )
        marked[query, items] = True
    return marked
