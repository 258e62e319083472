from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import ops

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class TokenAccuracy(keras.metrics.Metric):
    """Share of the tokens that are predicted right from the tokens before them.

    Every token counts the same, whereas the metrics of Keras average over the length of
    each batch first, so that padding changes them.

    Args:
        name: string.
        dtype: string or `keras.DTypePolicy`.

    Call arguments:
        y_true: int `[batch, length]`, token ids.
        y_pred: float `[batch, length, vocabulary_size]`, logits.
        sample_weight: float `[batch, length]`, 0 for padding.
    """

    def __init__(
        self, name: str = "token_accuracy", dtype: str | keras.DTypePolicy | None = None
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
        best = ops.argmax(y_pred, axis=-1)
        right = ops.cast(ops.equal(best, ops.cast(y_true, best.dtype)), "float32")
        weights = ops.ones_like(right) if sample_weight is None else sample_weight
        weights = ops.cast(weights, right.dtype)
        self.total.assign_add(ops.sum(right * weights))
        self.count.assign_add(ops.sum(weights))

    def result(self) -> tf.Tensor:
        return ops.divide_no_nan(self.total, self.count)

    def reset_state(self) -> None:
        self.total.assign(0.0)
        self.count.assign(0.0)
