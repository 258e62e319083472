from __future__ import annotations

import numpy as np

from mmkeras.metrics.captions.ngram_counts import (
    ORDERS,
    HypothesisCounts,
    ReferenceStatistics,
)

_SIGMA = 6.0


def cider_d(
    references: ReferenceStatistics, hypotheses: HypothesisCounts
) -> tuple[float, np.ndarray]:
    """Computes CIDEr-D, which coco-caption calls CIDEr.

    Args:
        references: `ReferenceStatistics`, from which the weights of n-grams come.
        hypotheses: `HypothesisCounts` of the same images.

    Returns:
        Float, the mean score, and float `[images]`, the scores of images; a caption
        equal to all its references scores 10.

    Reference:
        - [Vedantam et al., 2015](https://arxiv.org/abs/1411.5726)
    """
    per_image = np.diff(references.first)
    image_of = np.repeat(np.arange(len(per_image)), per_image)
    norms = _norms(hypotheses, len(per_image))[image_of] * references.norms
    products = _products(references, hypotheses)
    similarity = np.zeros_like(norms)
    np.divide(products, norms, out=similarity, where=norms > 0)
    difference = _bigrams(hypotheses.lengths)[image_of] - _bigrams(references.lengths)
    penalty = np.exp(-(difference.astype(float) ** 2) / (2 * _SIGMA**2))
    of_reference = (similarity * penalty[:, None]).mean(axis=1)
    scores = 10.0 * np.add.reduceat(of_reference, references.first[:-1]) / per_image
    return float(scores.mean()), scores


def _norms(hypotheses: HypothesisCounts, images: int) -> np.ndarray:
    place = hypotheses.image * ORDERS + hypotheses.order
    squares = (hypotheses.count * hypotheses.weight) ** 2
    total = np.bincount(place, squares, images * ORDERS)
    return np.sqrt(total).reshape(-1, ORDERS)


def _products(
    references: ReferenceStatistics, hypotheses: HypothesisCounts
) -> np.ndarray:
    """Dot products of clipped vectors, `[references, orders]`."""
    matched = np.flatnonzero(hypotheses.pair >= 0)
    first = references.entries[hypotheses.pair[matched]]
    number = references.entries[hypotheses.pair[matched] + 1] - first
    source = np.repeat(matched, number)
    # The entries of each pair, concatenated.
    skipped = np.repeat(np.cumsum(number) - number, number)
    entry = np.repeat(first, number) + np.arange(len(source)) - skipped
    weight = hypotheses.weight[source]
    own, other = hypotheses.count[source] * weight, references.count[entry] * weight
    place = references.reference[entry] * ORDERS + hypotheses.order[source]
    size = len(references.lengths) * ORDERS
    products = np.bincount(place, np.minimum(own, other) * other, size)
    return products.reshape(-1, ORDERS)


def _bigrams(lengths: np.ndarray) -> np.ndarray:
    # coco-caption measures length in bigrams.
    return np.maximum(lengths - 1, 0)
