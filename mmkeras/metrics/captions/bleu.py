from __future__ import annotations

import numpy as np

from mmkeras.metrics.captions.ngram_counts import (
    ORDERS,
    HypothesisCounts,
    ReferenceStatistics,
)

# The constants of coco-caption, for equal results.
_TINY = 1e-15
_SMALL = 1e-9


def bleu(
    references: ReferenceStatistics, hypotheses: HypothesisCounts
) -> tuple[np.ndarray, np.ndarray]:
    """Computes BLEU-1 to BLEU-4 like coco-caption, with the closest reference length.

    Args:
        references: `ReferenceStatistics`.
        hypotheses: `HypothesisCounts` of the same images.

    Returns:
        Float `[4]`, the corpus scores, and float `[images, 4]`, the scores of images.

    Reference:
        - [Papineni et al., 2002](https://aclanthology.org/P02-1040/)
    """
    matched = hypotheses.pair >= 0
    hits = np.minimum(
        hypotheses.count[matched], references.most[hypotheses.pair[matched]]
    )
    place = hypotheses.image[matched] * ORDERS + hypotheses.order[matched]
    images = len(hypotheses.lengths)
    correct = np.bincount(place, hits, images * ORDERS).reshape(-1, ORDERS)
    orders = np.arange(ORDERS)
    guessed = np.maximum(0, hypotheses.lengths[:, None] - orders)
    closest = _closest(references, hypotheses.lengths)
    per_image = _scores(correct, guessed, hypotheses.lengths, closest)
    corpus = _scores(
        correct.sum(0)[None],
        guessed.sum(0)[None],
        hypotheses.lengths.sum()[None],
        closest.sum()[None],
    )
    return corpus[0], per_image


def _closest(references: ReferenceStatistics, lengths: np.ndarray) -> np.ndarray:
    """Length of the closest reference of each image; of two, the shorter one."""
    per_image = np.diff(references.first)
    distance = np.abs(references.lengths - np.repeat(lengths, per_image))
    span = int(references.lengths.max(initial=0)) + 1
    best = np.minimum.reduceat(
        distance * span + references.lengths, references.first[:-1]
    )
    return best % span


def _scores(correct, guessed, length, reference_length) -> np.ndarray:
    precisions = (correct + _TINY) / (guessed + _SMALL)
    scores = np.cumprod(precisions, axis=1) ** (1.0 / np.arange(1, ORDERS + 1))
    ratio = (length + _TINY) / (reference_length + _SMALL)
    with np.errstate(over="ignore"):
        brevity = np.where(ratio < 1, np.exp(1 - 1 / ratio), 1.0)
    return scores * brevity[:, None]
