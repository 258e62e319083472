from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="mmkeras")
class AnswerCrossentropy(keras.losses.Loss):
    """Cross-entropy of one answer among many, averaged over real questions.

    The scores of a question are taken as proportions, so that of several answers that
    annotators gave each has its share. A question without a known answer costs nothing.

    Args:
        label_smoothing: float in `[0, 1)`, the share of the target spread evenly over
            the answers.
        answer_weights: list of float, by which the loss of each answer is multiplied,
            against imbalance (`mmkeras.data.class_weights`), or `None`.

    Call arguments:
        y_true: float `[..., answers]`, the score of each answer.
        y_pred: float `[..., answers]`, logits.
        sample_weight: float `[...]`, 0 for what is no question.

    Raises:
        ValueError: if `label_smoothing` is out of range.
    """

    def __init__(
        self,
        label_smoothing: float = 0.0,
        answer_weights: list[float] | None = None,
        name: str = "answer_crossentropy",
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
        self.answer_weights = answer_weights

    def call(self, y_true, y_pred):
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

    def get_config(self):
        return {
            **super().get_config(),
            "label_smoothing": self.label_smoothing,
            "answer_weights": self.answer_weights,
        }
