from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmkeras.metrics.statistics.bootstrap_means import bootstrap_means
from mmkeras.metrics.statistics.require_numbers import require_numbers


def paired_bootstrap(
    first: Sequence[float],
    second: Sequence[float],
    samples: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, float]:
    """Whether one model's scores are better than another's, on the same images.

    Images are drawn with replacement, both models' scores of an image together, and the
    difference of the means is looked at. It is of measures that are means over images
    (CIDEr-D, ROUGE_L, accuracies), not of BLEU over the corpus.

    Args:
        first: floats, a score of each image.
        second: floats, those of another model for the same images, in the same order.
        samples: int, how often to draw.
        confidence: float, of the interval.
        seed: int.

    Returns:
        Dict of `"difference"` (first less second), `"low"` and `"high"` (its interval)
        and `"p_value"` (two-sided: twice the share of samples on the other side of
        zero).

    Raises:
        ValueError: if the lengths differ, there is none, or a score is not finite.

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
    means = bootstrap_means(differences, samples, seed)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    beyond = min((means <= 0).mean(), (means >= 0).mean())
    return {
        "difference": float(differences.mean()),
        "low": float(low),
        "high": float(high),
        "p_value": float(min(1.0, 2 * beyond)),
    }
