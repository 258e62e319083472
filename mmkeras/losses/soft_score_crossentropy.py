from __future__ import annotations

import keras
from keras import ops

_ACTIVATIONS = ("sigmoid", "softmax")


@keras.saving.register_keras_serializable(package="mmkeras")
class SoftScoreCrossentropy(keras.losses.Loss):
    """Cross-entropy with answers that are right in part, as VQA v2 scores them.

    A question's loss is summed over the answers and averaged over the questions that
    count. With `"sigmoid"` each answer is right or wrong on its own:
    `-Σ_a s_a log σ(x_a) + (1 - s_a) log(1 - σ(x_a))`; a question none of whose answers
    is in the vocabulary still teaches that all those are wrong. With `"softmax"`,
    `-Σ_a s_a log softmax(x)_a`, answers compete, and such a question has no loss: the
    scores are not made to sum to 1, so that the surer a question's answers, the more
    it counts.

    Args:
        activation: string, `"sigmoid"` or `"softmax"`.
        from_logits: bool, whether `y_pred` are logits, or probabilities.

    Call arguments:
        y_true: float `[..., answers]`, the score of each answer from 0 to 1, as
            `mmkeras.metrics.vqa_soft_scores` gives it.
        y_pred: float `[..., answers]`.
        sample_weight: float `[...]`, 0 for questions that are padding.

    Raises:
        ValueError: if there is no such activation.

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
        **kwargs,
    ):
        if activation not in _ACTIVATIONS:
            raise ValueError(
                f"`activation` must be one of {', '.join(map(repr, _ACTIVATIONS))}. "
                f"Received: activation={activation!r}."
            )
        super().__init__(name=name, reduction=reduction, **kwargs)
        self.activation = activation
        self.from_logits = from_logits

    def call(self, y_true, y_pred):
        scores, predicted = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
        right, wrong = self._log_probabilities(predicted)
        losses = scores * right
        if self.activation == "sigmoid":
            losses += (1 - scores) * wrong
        return -ops.sum(losses, axis=-1)

    def _log_probabilities(self, predicted):
        """Of each answer, that it is right and that it is wrong."""
        if not self.from_logits:
            least = keras.config.epsilon()
            predicted = ops.clip(predicted, least, 1 - least)
            return ops.log(predicted), ops.log(1 - predicted)
        if self.activation == "softmax":
            right = ops.log_softmax(predicted, axis=-1)
            return right, None
        return ops.log_sigmoid(predicted), ops.log_sigmoid(-predicted)

    def get_config(self):
        return {
            **super().get_config(),
            "activation": self.activation,
            "from_logits": self.from_logits,
        }
