from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class AnswerWriter(keras.layers.Layer):
    """Generates answers, each about one vector, the fusion of question and image.

    Args:
        text_decoder: a `TextDecoder` with `word_attention=False` and
            `word_presence=False`.

    Call arguments:
        answer_ids: int `[batch, questions, length]`.
        fused: float `[batch, questions, dim]`.
        training: bool.

    Output shape:
        float32 logits `[batch, questions, length, vocabulary_size]`.
    """

    def __init__(self, text_decoder: keras.layers.Layer, **kwargs: Any):
        super().__init__(**kwargs)
        self.text_decoder = text_decoder

    def build(
        self,
        answer_ids_shape: tuple[int | None, ...],
        fused_shape: tuple[int | None, ...] | None = None,
    ) -> None:
        if not self.text_decoder.built:
            memory = (None, 1, self.text_decoder.hidden_dim)
            self.text_decoder.build((None, answer_ids_shape[-1]), memory)

    def call(
        self, answer_ids: tf.Tensor, fused: tf.Tensor, training: bool | None = None
    ) -> tf.Tensor:
        shape = ops.shape(answer_ids)
        logits = self.text_decoder(
            ops.reshape(answer_ids, (-1, shape[2])),
            ops.reshape(fused, (-1, 1, fused.shape[-1])),
            training=training,
        )
        return ops.reshape(logits, (*shape, logits.shape[-1]))

    def compute_output_shape(
        self,
        answer_ids_shape: tuple[int | None, ...],
        fused_shape: tuple[int | None, ...] | None = None,
    ) -> tuple[int | None, ...]:
        return (*answer_ids_shape, self.text_decoder.vocabulary_size)

    def compute_output_spec(
        self,
        answer_ids: keras.KerasTensor,
        fused: keras.KerasTensor,
        training: bool | None = None,
    ) -> keras.KerasTensor:
        return keras.KerasTensor(self.compute_output_shape(answer_ids.shape), "float32")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "text_decoder": keras.saving.serialize_keras_object(self.text_decoder),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> AnswerWriter:
        config = dict(config)
        decoder = keras.saving.deserialize_keras_object(config.pop("text_decoder"))
        return cls(decoder, **config)
