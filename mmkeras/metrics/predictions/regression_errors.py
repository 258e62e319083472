from __future__ import annotations

import numpy as np

from mmkeras.metrics.statistics.require_numbers import require_numbers


def regression_errors(
    targets: np.ndarray, predictions: np.ndarray, peak: float | None = None
) -> dict[str, float]:
    """Computes errors of predicted numbers, or of reconstructed images or signals.

    Args:
        targets: float, of any shape.
        predictions: float, of the same shape.
        peak: float, the largest possible value (255 for uint8 images), to compute the
            peak signal-to-noise ratio too.

    Returns:
        Dict of `"MAE"`, `"MSE"`, `"RMSE"` and, with `peak`, `"PSNR"` in decibels
        (infinite if both are equal).

    Raises:
        ValueError: if the shapes differ, or a number is not finite.
    """
    targets = require_numbers(targets, "targets")
    predictions = require_numbers(predictions, "predictions")
    if targets.shape != predictions.shape or not targets.size:
        raise ValueError(
            "`targets` and `predictions` must have the same shape. Received "
            f"{targets.shape} and {predictions.shape}."
        )
    error = predictions - targets
    mse = float((error**2).mean())
    errors = {"MAE": float(np.abs(error).mean()), "MSE": mse, "RMSE": mse**0.5}
    if peak is not None:
        errors["PSNR"] = float(10 * np.log10(peak**2 / mse)) if mse else float("inf")
    return errors
