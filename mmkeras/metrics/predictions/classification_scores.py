from __future__ import annotations

import numpy as np

from mmkeras.metrics.predictions.calibration_error import calibration_error
from mmkeras.metrics.statistics.require_numbers import require_numbers


def classification_scores(
    labels: np.ndarray, probabilities: np.ndarray, bins: int = 15
) -> dict[str, float]:
    """Accuracy, precision, recall, F1 and calibration of a classifier.

    The macro means are over the classes that occur, in labels or in predictions; a
    class that was never predicted has precision 0.

    Args:
        labels: int `[rows]`.
        probabilities: float `[rows, classes]`.
        bins: int, of the calibration error.

    Returns:
        Dict of `"accuracy"`, `"precision_macro"`, `"recall_macro"`, `"f1_macro"`,
        `"f1_micro"` (with one label a row the same as accuracy) and `"ece"`.

    Raises:
        ValueError: if shapes do not fit, a number is not finite, or a label is out of
            range.
    """
    probabilities = require_numbers(probabilities, "probabilities")
    labels = np.asarray(labels)
    if (
        probabilities.ndim != 2
        or labels.shape != probabilities.shape[:1]
        or not labels.size
    ):
        raise ValueError(
            "`labels` must be [rows] and `probabilities` [rows, classes]. Received "
            f"shapes {labels.shape} and {probabilities.shape}."
        )
    classes = probabilities.shape[1]
    if labels.min() < 0 or labels.max() >= classes:
        row = int(np.flatnonzero((labels < 0) | (labels >= classes))[0])
        raise ValueError(
            f"`labels` has {labels[row]} in row {row}, of {classes} classes."
        )
    predicted = probabilities.argmax(axis=1)
    right = np.bincount(labels[predicted == labels], minlength=classes)
    true = np.bincount(labels, minlength=classes)
    claimed = np.bincount(predicted, minlength=classes)
    there = (true + claimed) > 0
    accuracy = float((predicted == labels).mean())
    return {
        "accuracy": accuracy,
        "precision_macro": float((right / np.maximum(claimed, 1))[there].mean()),
        "recall_macro": float((right / np.maximum(true, 1))[there].mean()),
        "f1_macro": float((2 * right / np.maximum(true + claimed, 1))[there].mean()),
        "f1_micro": accuracy,
        "ece": calibration_error(labels, probabilities, bins),
    }
