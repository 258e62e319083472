from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.arguments import real_number

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class AnswerCrossentropy(keras.losses.Loss):
    """Cross-entropy of one answer among many, averaged over questions.

    The scores of a question are normalized to a distribution, so each of several
    correct answers has a share of the target. A question without a known answer has a
    loss of 0.

    Args:
        label_smoothing: float in `[0, 1)`, the share of the target that is distributed
            evenly over the answers.
        answer_weights: list of float, factors of the loss of each answer, against
            imbalance (`mmkeras.data.class_weights`), or `None`.
        name: string, the name of the loss.
        reduction: string, the reduction of the loss; see `keras.losses.Loss`.
        **kwargs: other arguments of `keras.losses.Loss`.

    Call arguments:
        y_true: float `[..., answers]`, the score of each answer.
        y_pred: float `[..., answers]`, logits.
        sample_weight: float `[...]`, 0 for padding.

    Raises:
        ValueError: if `label_smoothing` is out of range.

    Example:
        ```python
        loss = mmkeras.losses.AnswerCrossentropy(label_smoothing=0.1)
        vqa.compile(loss=loss)
        ```
    """

    def __init__(
        self,
        label_smoothing: float = 0.0,
        answer_weights: list[float] | None = None,
        name: str = "answer_crossentropy",
        reduction: str = "mean_with_sample_weight",
        **kwargs: Any,
    ):
        super().__init__(name=name, reduction=reduction, **kwargs)
        self.label_smoothing = real_number(
            "label_smoothing", label_smoothing, minimum=0, below=1
        )
        self.answer_weights = answer_weights

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        scores = ops.cast(y_true, "float32")
        total = ops.sum(scores, axis=-1, keepdims=True)
        target = ops.divide_no_nan(scores, total)
        known = ops.cast(ops.squeeze(total, -1) > 0, "float32")
        even = self.label_smoothing / scores.shape[-1]
        smooth = (1 - self.label_smoothing) * target + even
        losses = -ops.sum(
            smooth * ops.log_softmax(ops.cast(y_pred, "float32")), axis=-1
        )
        if self.answer_weights is not None:
            losses = losses * ops.sum(target * self.answer_weights, axis=-1)
        return losses * known

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "label_smoothing": self.label_smoothing,
            "answer_weights": self.answer_weights,
        }
