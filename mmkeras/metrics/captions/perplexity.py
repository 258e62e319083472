from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import ops

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class Perplexity(keras.metrics.Metric):
    """Exponential of the mean cross-entropy per token, without label smoothing.

    Args:
        name: string.
        dtype: string or `keras.DTypePolicy`.

    Call arguments:
        y_true: int `[batch, length]`, token ids.
        y_pred: float `[batch, length, vocabulary_size]`, logits.
        sample_weight: float `[batch, length]`, 0 for padding.
    """

    def __init__(
        self, name: str = "perplexity", dtype: str | keras.DTypePolicy | None = None
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
        losses = keras.losses.sparse_categorical_crossentropy(
            y_true, ops.cast(y_pred, "float32"), from_logits=True
        )
        weights = ops.ones_like(losses) if sample_weight is None else sample_weight
        weights = ops.cast(weights, losses.dtype)
        self.total.assign_add(ops.sum(losses * weights))
        self.count.assign_add(ops.sum(weights))

    def result(self) -> tf.Tensor:
        return ops.exp(ops.divide_no_nan(self.total, self.count))

    def reset_state(self) -> None:
        self.total.assign(0.0)
        self.count.assign(0.0)
