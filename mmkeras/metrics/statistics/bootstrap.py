from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmkeras.arguments import real_number, whole_number
from mmkeras.metrics.statistics.require_numbers import require_numbers


def confidence_interval(
    scores: Sequence[float],
    confidence: float = 0.95,
    samples: int = 2_000,
    seed: int = 0,
) -> tuple[float, float]:
    """Computes the bootstrap confidence interval of a mean over images.

    Args:
        scores: sequence of floats, the score of each image.
        confidence: float between 0 and 1, the confidence level.
        samples: int, number of bootstrap samples.
        seed: int, random seed.

    Returns:
        Two floats, the lower and the upper end.

    Raises:
        ValueError: if there are no scores, one is not finite, or an argument is out of
            range.
    """
    values = require_numbers(scores, "scores")
    if values.ndim != 1 or not len(values):
        raise ValueError(f"`scores` must be a list of numbers. Shape: {values.shape}.")
    means = _means(values, samples, seed)
    return _interval(means, confidence)


def paired_bootstrap(
    first: Sequence[float],
    second: Sequence[float],
    samples: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, float]:
    """Tests whether one model scores higher than another on the same images.

    Images are drawn with replacement, with the scores of both models, and the
    difference of the means is computed. This is for metrics that are means over images
    (CIDEr-D, ROUGE_L, accuracies), not for corpus BLEU.

    Args:
        first: sequence of floats, the score of each image.
        second: sequence of floats, the scores of another model on the same images, in
            the same order.
        samples: int, number of bootstrap samples.
        confidence: float between 0 and 1, the confidence level of the interval.
        seed: int, random seed.

    Returns:
        Dict of `"difference"` (first minus second), `"low"` and `"high"` (its interval)
        and `"p_value"` (two-sided: twice the fraction of samples on the other side of
        0).

    Raises:
        ValueError: if the lengths differ or are 0, a score is not finite, or an
            argument is out of range.

    Reference:
        - [Koehn, 2004](https://aclanthology.org/W04-3250/)
    """
    first, second = require_numbers(first, "first"), require_numbers(second, "second")
    if first.shape != second.shape or first.ndim != 1 or not len(first):
        raise ValueError(
            "`first` and `second` must have a score for each of the same images. "
            f"Received shapes {first.shape} and {second.shape}."
        )
    differences = first - second
    means = _means(differences, samples, seed)
    low, high = _interval(means, confidence)
    beyond = min((means <= 0).mean(), (means >= 0).mean())
    return {
        "difference": float(differences.mean()),
        "low": low,
        "high": high,
        "p_value": float(min(1.0, 2 * beyond)),
    }


def _interval(means: np.ndarray, confidence: float) -> tuple[float, float]:
    confidence = real_number("confidence", confidence)
    if not 0 < confidence < 1:
        raise ValueError(
            "`confidence` must be between 0 and 1, e.g. 0.95. Received: "
            f"confidence={confidence}."
        )
    ends = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(ends[0]), float(ends[1])


def _means(values: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """Means of samples of the same size, drawn with replacement: float `[samples]`."""
    samples = whole_number("samples", samples, 1)
    draw = np.random.default_rng(seed)
    # Keeps the draws of a million rows within tens of megabytes.
    at_once = max(1, 2_000_000 // len(values))
    parts = []
    for start in range(0, samples, at_once):
        rows = min(at_once, samples - start)
        places = draw.integers(0, len(values), (rows, len(values)))
        parts.append(values[places].mean(axis=1))
    return np.concatenate(parts)
