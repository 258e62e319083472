from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.arguments import check_choice

if TYPE_CHECKING:
    import tensorflow as tf

_ACTIVATIONS = ("sigmoid", "softmax")


@keras.saving.register_keras_serializable(package="mmkeras")
class SoftScoreCrossentropy(keras.losses.Loss):
    """Cross-entropy with the soft scores of VQA v2 as targets.

    The loss of a question is summed over the answers, and averaged over questions. With
    `"sigmoid"` the answers are independent:
    `-Σ_a s_a log σ(x_a) + (1 - s_a) log(1 - σ(x_a))`; for a question without an answer
    in the vocabulary, all answers of the vocabulary are wrong. With `"softmax"` they
    compete: `-Σ_a s_a log softmax(x)_a`; such a question has a loss of 0. The scores
    are not normalized, so questions with higher scores have a higher weight.

    Args:
        activation: string, `"sigmoid"` or `"softmax"`.
        from_logits: bool, whether `y_pred` are logits or probabilities.
        name: string, the name of the loss.
        reduction: string, the reduction of the loss; see `keras.losses.Loss`.
        **kwargs: other arguments of `keras.losses.Loss`.

    Call arguments:
        y_true: float `[..., answers]`, the score of each answer from 0 to 1, of
            `mmkeras.metrics.vqa_soft_scores`.
        y_pred: float `[..., answers]`, logits or probabilities.
        sample_weight: float `[...]`, 0 for padding.

    Raises:
        ValueError: if the activation is unknown.

    Example:
        ```python
        vqa.compile(loss=mmkeras.losses.SoftScoreCrossentropy())
        ```

    Reference:
        - [Teney et al., 2018](https://arxiv.org/abs/1708.02711)
    """

    def __init__(
        self,
        activation: str = "sigmoid",
        from_logits: bool = True,
        name: str = "soft_score_crossentropy",
        reduction: str = "mean_with_sample_weight",
        **kwargs: Any,
    ):
        check_choice("activation", activation, _ACTIVATIONS)
        super().__init__(name=name, reduction=reduction, **kwargs)
        self.activation = activation
        self.from_logits = from_logits

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        scores, predicted = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
        correct, wrong = self._log_probabilities(predicted)
        losses = scores * correct
        if self.activation == "sigmoid":
            losses += (1 - scores) * wrong
        return -ops.sum(losses, axis=-1)

    def _log_probabilities(self, predicted):
        """The log-probabilities that each answer is correct, and that it is wrong."""
        if not self.from_logits:
            epsilon = keras.config.epsilon()
            predicted = ops.clip(predicted, epsilon, 1 - epsilon)
            return ops.log(predicted), ops.log(1 - predicted)
        if self.activation == "softmax":
            return ops.log_softmax(predicted, axis=-1), None
        return ops.log_sigmoid(predicted), ops.log_sigmoid(-predicted)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "activation": self.activation,
            "from_logits": self.from_logits,
        }
