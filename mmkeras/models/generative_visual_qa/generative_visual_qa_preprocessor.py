from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from mmkeras.arguments import whole_number
from mmkeras.data import missing_key
from mmkeras.models.questions.question_preprocessor import (
    QuestionPreprocessor,
    in_rows,
    question_rows,
    require_as_many,
)
from mmkeras.models.task_preprocessor import to_tensor
from mmkeras.preprocessing.images.image_converter import ImageConverter
from mmkeras.preprocessing.text.pack_tokens import pack_tokens
from mmkeras.preprocessing.text.word_piece_tokenizer import WordPieceTokenizer


@keras.saving.register_keras_serializable(package="mmkeras")
class GenerativeVisualQAPreprocessor(QuestionPreprocessor):
    """Converts batched samples to the inputs and targets of a `GenerativeVisualQA`.

    An answer of the tokens `w1 … wn` becomes the input `[START] w1 … wn` and the target
    `w1 … wn [END]`, padded with 0; an answer of more than `answer_length - 1` tokens
    is cut.

    Args:
        image_converter: an `ImageConverter`.
        tokenizer: the tokenizer of the text encoder.
        answer_vocabulary: list of strings, the tokens of answers, as
            `WordPieceTokenizer.learn` finds them.
        sequence_length: int, at least 3, number of tokens of a question with start and
            end token.
        answer_length: int, at least 2, number of tokens of an answer with its end
            token.
        **kwargs: `name` and other arguments of `keras.layers.Layer`.

    Call arguments:
        x: dict, as in `VisualQAPreprocessor`, with `"answer"`.
        y: not used; the targets are made from the answers.
        sample_weight: Optional float `[batch]`, multiplied into the weights.

    Output shape:
        `(x, y, sample_weight)`: `x` a dict of `"images"` (or `"image_features"`),
        `"image_mask"`, `int32` `[batch]`, `"token_ids"`, `int32`
        `[batch, questions, sequence_length]`, and `"answer_ids"`, `int32`
        `[batch, questions, answer_length]`; `y` `int32` and `sample_weight` `float32`
        of the shape of the latter.

    Raises:
        ValueError: if the samples lack images, questions or answers.
        tf.errors.InvalidArgumentError: if an image is unreadable, or the numbers of
            questions and answers of a sample differ. The message names the
            `image_id`.
    """

    image_converter_cls = ImageConverter
    tokenizer_cls = WordPieceTokenizer

    def __init__(
        self,
        image_converter: ImageConverter,
        tokenizer: keras.layers.Layer,
        answer_vocabulary: Sequence[str],
        sequence_length: int = 24,
        answer_length: int = 8,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.check_length(sequence_length)
        # A word and its end token.
        answer_length = whole_number("answer_length", answer_length, 2)
        self.image_converter = image_converter
        self.tokenizer = tokenizer
        # A preset has its files beside those of the tokenizer of questions.
        self.answer_tokenizer = WordPieceTokenizer(
            list(answer_vocabulary), config_file="answer_tokenizer.json"
        )
        self.sequence_length = sequence_length
        self.answer_length = answer_length
        self.built = True

    def call(
        self,
        x: Mapping[str, Any],
        y: None = None,
        sample_weight: tf.Tensor | None = None,
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]:
        if y is not None:
            raise ValueError(
                "`y` is made from the answers of the sample. Pass samples as dicts "
                "with the key 'answer', without labels."
            )
        inputs = self.inputs(x)
        answers = self._answers(x)
        inputs["answer_ids"], targets = self._pack(answers)
        written = tf.cast(tf.not_equal(targets, 0), tf.float32)
        answered = tf.logical_and(self.asked(x), tf.not_equal(answers, ""))
        weights = written * tf.expand_dims(tf.cast(answered, tf.float32), -1)
        if sample_weight is not None:
            sample_weight = tf.cast(tf.convert_to_tensor(sample_weight), tf.float32)
            weights *= tf.reshape(sample_weight, [-1, 1, 1])
        return inputs, targets, weights

    def generate_postprocess(self, token_ids: tf.Tensor) -> tf.Tensor:
        """Detokenizes generated ids.

        Args:
            token_ids: int `[..., length]`.

        Returns:
            `tf.string` `[...]`.
        """
        return self.answer_tokenizer.detokenize(token_ids)

    def _answers(self, x) -> tf.Tensor:
        if "answer" not in x:
            raise ValueError(missing_key("answer", x))
        answers = in_rows(to_tensor(x["answer"]))
        questions = question_rows(x)
        with require_as_many(questions.row_lengths(), answers.row_lengths(), x):
            return tf.identity(answers.to_tensor(""))

    def _pack(self, answers):
        length = self.answer_length
        flat = tf.reshape(answers, [-1])
        # [START] w1 … wn [END]: the input is without its end, the target without its
        # start.
        ids = pack_tokens(self.answer_tokenizer, flat, length + 1)
        end = self.answer_tokenizer.end_token_id
        inputs = tf.where(tf.equal(ids[:, :-1], end), 0, ids[:, :-1])
        shape = tf.concat([tf.shape(answers), [length]], axis=0)
        parts = (tf.reshape(part, shape) for part in (inputs, ids[:, 1:]))
        return tuple(tf.ensure_shape(part, [None, None, length]) for part in parts)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "answer_vocabulary": self.answer_tokenizer.get_vocabulary(),
            "sequence_length": self.sequence_length,
            "answer_length": self.answer_length,
        }
