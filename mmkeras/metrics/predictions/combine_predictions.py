from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmkeras.metrics.statistics.require_numbers import require_numbers


def combine_predictions(
    predictions: Sequence[np.ndarray],
    method: str = "mean",
    weights: Sequence[float] | None = None,
) -> np.ndarray:
    """What several models say together.

    Args:
        predictions: for each model, float `[rows, classes]`, probabilities or scores of
            one scale.
        method: `"mean"`, or `"vote"`: each model has a vote for its best class, and of
            classes with as many votes the one with the higher mean wins.
        weights: floats, one of each model, or `None` for all the same.

    Returns:
        Float `[rows, classes]`: the weighted mean, or the share of the votes, to which
        the mean is added in so small a measure that it only decides between equals.

    Raises:
        ValueError: if shapes differ, a number is not finite, the weights are not
            positive ones for each model, or the method is not known.
    """
    stacked = require_numbers(predictions, "predictions")
    if stacked.ndim != 3 or not stacked.size:
        raise ValueError(
            "`predictions` must be arrays [rows, classes] of one shape, one of each "
            f"model. Received, together: {stacked.shape}."
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
    if method != "vote":
        raise ValueError(f"`method` must be 'mean' or 'vote'. Received: {method!r}.")
    best = stacked.argmax(axis=-1)
    votes = np.eye(stacked.shape[-1])[best]
    span = np.ptp(mean) or 1.0
    return np.tensordot(weights, votes, axes=1) + 1e-6 * (mean - mean.min()) / span
