from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.arguments import whole_number

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class ExpectedCalibrationError(keras.metrics.Metric):
    """Expected calibration error, accumulated over batches and replicas.

    Args:
        bins: int, number of bins of equal width, by the probability of the predicted
            class.
        from_logits: bool, whether predictions are logits.
        name: string.
        dtype: string or `keras.DTypePolicy`.

    Call arguments:
        y_true: int `[rows]` or `[rows, 1]`, labels.
        y_pred: float `[rows, classes]`, probabilities or logits.
        sample_weight: float `[rows]`.

    Reference:
        - [Guo et al., 2017](https://arxiv.org/abs/1706.04599)
    """

    def __init__(
        self,
        bins: int = 15,
        from_logits: bool = False,
        name: str = "expected_calibration_error",
        dtype: str | keras.DTypePolicy | None = None,
    ):
        super().__init__(name=name, dtype=dtype)
        self.bins, self.from_logits = whole_number("bins", bins, 1), from_logits
        self.gaps = self.add_variable((bins,), "zeros", name="gaps")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(
        self,
        y_true: tf.Tensor,
        y_pred: tf.Tensor,
        sample_weight: tf.Tensor | None = None,
    ) -> None:
        y_pred = ops.cast(y_pred, "float32")
        if self.from_logits:
            y_pred = ops.softmax(y_pred)
        labels = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        confidence = ops.max(y_pred, axis=-1)
        correct = ops.cast(ops.equal(ops.argmax(y_pred, axis=-1), labels), "float32")
        weights = ops.ones_like(confidence)
        if sample_weight is not None:
            weights = ops.cast(ops.reshape(sample_weight, (-1,)), "float32")
        place = ops.cast(ops.ceil(confidence * self.bins), "int32") - 1
        place = ops.one_hot(ops.clip(place, 0, self.bins - 1), self.bins)
        gaps = ops.expand_dims((correct - confidence) * weights, -1) * place
        self.gaps.assign_add(ops.sum(gaps, axis=0))
        self.count.assign_add(ops.sum(weights))

    def result(self) -> tf.Tensor:
        return ops.divide_no_nan(ops.sum(ops.abs(self.gaps)), self.count)

    def reset_state(self) -> None:
        self.gaps.assign(ops.zeros((self.bins,)))
        self.count.assign(0.0)

    def get_config(self) -> dict[str, Any]:
        config = {"bins": self.bins, "from_logits": self.from_logits}
        return {**super().get_config(), **config}
