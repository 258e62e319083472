from __future__ import annotations

import numpy as np

from mmkeras.arguments import whole_number


def calibration_error(
    labels: np.ndarray, probabilities: np.ndarray, bins: int = 15
) -> float:
    """Computes the expected calibration error of a classifier.

    Predictions are grouped in bins of equal width by the probability of the predicted
    class; the error is the mean difference between this probability and the accuracy of
    the bin.

    Args:
        labels: int `[rows]`.
        probabilities: float `[rows, classes]`.
        bins: int, number of bins.

    Returns:
        Float from 0 to 1.

    Raises:
        ValueError: if `bins` is not a positive integer.

    Reference:
        - [Guo et al., 2017](https://arxiv.org/abs/1706.04599)
    """
    bins = whole_number("bins", bins, 1)
    confidence = np.max(probabilities, axis=1)
    correct = np.argmax(probabilities, axis=1) == labels
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(place, correct - confidence, bins)
    return float(np.abs(gaps).sum() / len(confidence))
