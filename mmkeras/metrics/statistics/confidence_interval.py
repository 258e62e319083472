from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmkeras.metrics.statistics.bootstrap_means import bootstrap_means
from mmkeras.metrics.statistics.require_numbers import require_numbers


def confidence_interval(
    scores: Sequence[float],
    confidence: float = 0.95,
    samples: int = 2_000,
    seed: int = 0,
) -> tuple[float, float]:
    """The interval of a mean over images, by the bootstrap.

    Args:
        scores: floats, one of each image.
        confidence: float.
        samples: int, how often to draw the images with replacement.
        seed: int.

    Returns:
        Two floats, the lower and the upper end.

    Raises:
        ValueError: if there are no scores, or one is not finite.
    """
    values = require_numbers(scores, "scores")
    if values.ndim != 1 or not len(values):
        raise ValueError(f"`scores` must be a list of numbers. Shape: {values.shape}.")
    means = bootstrap_means(values, samples, seed)
    ends = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(ends[0]), float(ends[1])
