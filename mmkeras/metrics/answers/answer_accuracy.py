from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import ops

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class AnswerAccuracy(keras.metrics.Metric):
    """Mean score of the most likely answers.

    If one answer scores 1 and all others 0, it is the accuracy. With soft scores of
    several annotators, it is the VQA accuracy of answers that are already normalized
    (`mmkeras.metrics.vqa_accuracy` computes the official one from texts).

    Args:
        name: string.
        dtype: string or `keras.DTypePolicy`.

    Call arguments:
        y_true: float `[..., answers]`, score of each answer.
        y_pred: float `[..., answers]`, logits or probabilities.
        sample_weight: float `[...]`, 0 for padding.
    """

    def __init__(
        self, name: str = "accuracy", dtype: str | keras.DTypePolicy | None = None
    ):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(
        self,
        y_true: tf.Tensor,
        y_pred: tf.Tensor,
        sample_weight: tf.Tensor | None = None,
    ) -> None:
        best = ops.expand_dims(ops.argmax(y_pred, axis=-1), -1)
        scores = ops.take_along_axis(ops.cast(y_true, "float32"), best, axis=-1)
        scores = ops.squeeze(scores, -1)
        weights = ops.ones_like(scores) if sample_weight is None else sample_weight
        weights = ops.cast(weights, scores.dtype)
        self.total.assign_add(ops.sum(scores * weights))
        self.count.assign_add(ops.sum(weights))

    def result(self) -> tf.Tensor:
        return ops.divide_no_nan(self.total, self.count)

    def reset_state(self) -> None:
        self.total.assign(0.0)
        self.count.assign(0.0)
