from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.arguments import real_number

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class MaskedCrossentropy(keras.losses.Loss):
    """Cross-entropy per token with label smoothing, averaged over tokens.

    The sum is divided by the sum of `sample_weight`, so the loss of a batch does not
    depend on its padding.

    Args:
        label_smoothing: float in `[0, 1)`, the share of the target that is distributed
            evenly over the vocabulary.
        name: string, the name of the loss.
        reduction: string, the reduction of the loss; see `keras.losses.Loss`.
        **kwargs: other arguments of `keras.losses.Loss`.

    Call arguments:
        y_true: int `[batch, length]`, token ids.
        y_pred: float `[batch, length, vocabulary_size]`, logits.
        sample_weight: float `[batch, length]`, 0 for padding.

    Raises:
        ValueError: if `label_smoothing` is out of range.

    Example:
        ```python
        loss = mmkeras.losses.MaskedCrossentropy(label_smoothing=0.1)
        captioner.compile(loss=loss)
        ```

    Reference:
        - [Szegedy et al., 2016](https://arxiv.org/abs/1512.00567)
    """

    def __init__(
        self,
        label_smoothing: float = 0.0,
        name: str = "masked_crossentropy",
        reduction: str = "mean_with_sample_weight",
        **kwargs: Any,
    ):
        super().__init__(name=name, reduction=reduction, **kwargs)
        self.label_smoothing = real_number(
            "label_smoothing", label_smoothing, minimum=0, below=1
        )

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        logits = ops.cast(y_pred, "float32")
        log_normalizer = ops.logsumexp(logits, axis=-1)
        index = ops.expand_dims(ops.cast(y_true, "int32"), -1)
        correct = ops.squeeze(ops.take_along_axis(logits, index, axis=-1), -1)
        even = ops.mean(logits, axis=-1)
        target = (1 - self.label_smoothing) * correct + self.label_smoothing * even
        return log_normalizer - target

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "label_smoothing": self.label_smoothing}
