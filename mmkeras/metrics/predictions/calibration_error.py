from __future__ import annotations

import numpy as np


def calibration_error(
    labels: np.ndarray, probabilities: np.ndarray, bins: int = 15
) -> float:
    """The expected calibration error: how far confidence is from being right.

    Predictions are put into bins of equal width by the probability of the class they
    choose; of each bin, the mean probability is compared with the share that is right.

    Args:
        labels: int `[rows]`.
        probabilities: float `[rows, classes]`.
        bins: int.

    Returns:
        Float from 0 to 1.

    Reference:
        - [Guo et al., 2017](https://arxiv.org/abs/1706.04599)
    """
    confidence = np.max(probabilities, axis=1)
    right = np.argmax(probabilities, axis=1) == labels
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(place, right - confidence, bins)
    return float(np.abs(gaps).sum() / len(confidence))
