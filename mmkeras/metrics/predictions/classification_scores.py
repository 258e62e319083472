from __future__ import annotations

import numpy as np

from mmkeras.metrics.predictions.calibration_error import calibration_error
from mmkeras.metrics.statistics.require_numbers import require_numbers


def classification_scores(
    labels: np.ndarray, probabilities: np.ndarray, bins: int = 15
) -> dict[str, float]:
    """Computes accuracy, precision, recall, F1 and calibration of a classifier.

    Macro averages are over the classes that occur in labels or predictions; a class
    that is never predicted has precision 0.

    Args:
        labels: int `[rows]`.
        probabilities: float `[rows, classes]`.
        bins: int, number of bins of the calibration error.

    Returns:
        Dict of `"accuracy"`, `"precision_macro"`, `"recall_macro"`, `"f1_macro"`,
        `"f1_micro"` (equal to the accuracy, with one label per row) and `"ece"`.

    Raises:
        ValueError: if shapes do not match, a number is not finite, or a label is out of
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
    correct = np.bincount(labels[predicted == labels], minlength=classes)
    times_true = np.bincount(labels, minlength=classes)
    times_predicted = np.bincount(predicted, minlength=classes)
    total = times_true + times_predicted
    precision = correct / np.maximum(times_predicted, 1)
    recall = correct / np.maximum(times_true, 1)
    f1 = 2 * correct / np.maximum(total, 1)
    accuracy = float((predicted == labels).mean())
    return {
        "accuracy": accuracy,
        "precision_macro": float(precision[total > 0].mean()),
        "recall_macro": float(recall[total > 0].mean()),
        "f1_macro": float(f1[total > 0].mean()),
        "f1_micro": accuracy,
        "ece": calibration_error(labels, probabilities, bins),
    }
