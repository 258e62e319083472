from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="mmkeras")
class MaskedCrossentropy(keras.losses.Loss):
    """Cross-entropy per token with label smoothing, averaged over real tokens.

    Padding is told by `sample_weight`; the sum is divided by the weights and not
    by the padded size, so that a batch's loss does not depend on its longest
    caption.

    Args:
        label_smoothing: float in `[0, 1)`, the share of the target spread evenly
            over the vocabulary.

    Call arguments:
        y_true: int `[batch, length]`, token ids.
        y_pred: float `[batch, length, vocabulary_size]`, logits.
        sample_weight: float `[batch, length]`, 0 for padding.

    Raises:
        ValueError: if `label_smoothing` is out of range.

    Reference:
        - [Szegedy et al., 2016](https://arxiv.org/abs/1512.00567)
    """

    def __init__(
        self,
        label_smoothing: float = 0.0,
        name: str = "masked_crossentropy",
        reduction: str = "mean_with_sample_weight",
        **kwargs,
    ):
        if not 0 <= label_smoothing < 1:
            raise ValueError(
                "`label_smoothing` must be at least 0 and below 1. "
                f"Received: label_smoothing={label_smoothing}."
            )
        super().__init__(name=name, reduction=reduction, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        logits = ops.cast(y_pred, "float32")
        log_normaliser = ops.logsumexp(logits, axis=-1)
        index = ops.expand_dims(ops.cast(y_true, "int32"), -1)
        right = ops.squeeze(ops.take_along_axis(logits, index, axis=-1), -1)
        even = ops.mean(logits, axis=-1)
        target = (1 - self.label_smoothing) * right + self.label_smoothing * even
        return log_normaliser - target

    def get_config(self):
        return {**super().get_config(), "label_smoothing": self.label_smoothing}
