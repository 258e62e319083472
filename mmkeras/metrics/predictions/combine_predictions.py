from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmkeras.arguments import check_choice
from mmkeras.metrics.statistics.require_numbers import require_numbers


def combine_predictions(
    predictions: Sequence[np.ndarray],
    method: str = "mean",
    weights: Sequence[float] | None = None,
) -> np.ndarray:
    """Combines the predictions of several models.

    Args:
        predictions: sequence of float `[rows, classes]`, one array per model:
            probabilities, or scores on the same scale.
        method: string, `"mean"`, or `"vote"`: each model votes for its best class, and
            ties are broken by the mean.
        weights: sequence of floats, one per model, or `None` for equal weights.

    Returns:
        Float `[rows, classes]`: the weighted mean, or the fraction of the votes, plus
        the mean scaled down so that it only breaks ties.

    Raises:
        ValueError: if shapes differ, a number is not finite, the weights are not one
            positive number per model, or the method is unknown.
    """
    check_choice("method", method, ("mean", "vote"))
    stacked = require_numbers(predictions, "predictions")
    if stacked.ndim != 3 or not stacked.size:
        raise ValueError(
            "`predictions` must be arrays [rows, classes] of the same shape, one per "
            f"model. Received, stacked: {stacked.shape}."
        )
    weights = np.ones(len(stacked)) if weights is None else np.asarray(weights, float)
    if weights.shape != (len(stacked),) or not (weights > 0).all():
        raise ValueError(
            f"`weights` must be {len(stacked)} positive numbers. Received: {weights}."
        )
    weights = weights / weights.sum()
    mean = np.tensordot(weights, stacked, axes=1)
    if method == "mean":
        return mean
    best = stacked.argmax(axis=-1)
    votes = np.eye(stacked.shape[-1])[best]
    span = np.ptp(mean) or 1.0
    return np.tensordot(weights, votes, axes=1) + 1e-6 * (mean - mean.min()) / span
