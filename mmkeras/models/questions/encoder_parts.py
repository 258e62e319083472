from __future__ import annotations

import dataclasses
import os
from typing import Any

import keras
import tensorflow as tf

from mmkeras.data import question_texts
from mmkeras.layers import ImageEncoder
from mmkeras.models.choose_length import choose_length
from mmkeras.models.encoders.image_encoders import build_image_encoder
from mmkeras.models.encoders.text_encoders import (
    MIN_LENGTH,
    build_text_encoder,
    max_length_of,
)
from mmkeras.preprocessing import ImageConverter


@dataclasses.dataclass
class EncoderParts:
    """The encoders of a task that answers questions, and what prepares their inputs.

    Args:
        image_encoder: an `ImageEncoder`.
        image_converter: an `ImageConverter`.
        text_encoder: a text encoder.
        tokenizer: its tokenizer.
        sequence_length: int, number of tokens of a question.
    """

    image_encoder: ImageEncoder
    image_converter: ImageConverter
    text_encoder: keras.layers.Layer
    tokenizer: Any
    sequence_length: int

    @classmethod
    def build(
        cls,
        dataset: tf.data.Dataset,
        image_encoder: str | os.PathLike | keras.Model | ImageEncoder,
        image_size: int | None,
        trainable_encoder: bool | None,
        text_encoder: Any,
        vocabulary_size: int,
        hidden_dim: int,
        sequence_length: int | None,
    ) -> EncoderParts:
        """Builds the encoders, with the vocabulary of a dataset's questions.

        Args:
            dataset: a `tf.data.Dataset` of sample dicts with `question`.
            image_encoder: as `build_image_encoder` accepts it.
            image_size: int, side in pixels, or `None`.
            trainable_encoder: bool, or `None`.
            text_encoder: as `build_text_encoder` accepts it.
            vocabulary_size: int, maximum number of tokens to learn.
            hidden_dim: int, dimension of a text encoder trained from scratch.
            sequence_length: int, maximum number of tokens of a question, or `None` to
                choose it from the data.
        """
        encoder, scale, offset = build_image_encoder(
            image_encoder, image_size, trainable_encoder
        )
        questions = list(question_texts(dataset))
        layer, tokenizer = build_text_encoder(
            text_encoder,
            texts=questions,
            vocabulary_size=vocabulary_size,
            dim=hidden_dim,
            sequence_length=sequence_length,
        )
        length = choose_length(
            questions,
            tokenizer,
            "sequence_length",
            sequence_length,
            "cut",
            kind="questions",
            special_tokens=2,
            minimum=MIN_LENGTH,
        )
        converter = ImageConverter(encoder.image_size, scale=scale, offset=offset)
        limit = max_length_of(layer)
        length = length if limit is None else min(length, limit)
        return cls(encoder, converter, layer, tokenizer, length)
