from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from mmkeras.data import missing_key
from mmkeras.models.questions.question_preprocessor import (
    QuestionPreprocessor,
    in_rows,
    question_rows,
    require_as_many,
)
from mmkeras.models.task_preprocessor import to_tensor
from mmkeras.models.visual_qa.answer_scores import answer_key, answer_scores
from mmkeras.preprocessing.images.image_converter import ImageConverter
from mmkeras.preprocessing.text.word_piece_tokenizer import WordPieceTokenizer

_NAMES_SHOWN = 5


@keras.saving.register_keras_serializable(package="mmkeras")
class VisualQAPreprocessor(QuestionPreprocessor):
    """Converts batched samples to the inputs, targets and weights of a `VisualQA`.

    A sample is an image with its questions. Rows are padded to the largest number of
    questions in the batch; padding has weight 0. A question that is longer than
    `sequence_length` tokens is cut.

    The target of a question is a score for each known answer. A single `answer` scores
    1. Of several annotators' `answers` each has its expected VQA accuracy
    (`mmkeras.models.visual_qa.answer_scores`). An unknown answer scores 0, so that its
    question always counts as wrong.

    Args:
        image_converter: an `ImageConverter`.
        tokenizer: the tokenizer of the text encoder.
        answers: list of strings, the known answers, most frequent first.
        sequence_length: int, at least 3, number of tokens of a question with start and
            end token.
        **kwargs: `name` and other arguments of `keras.layers.Layer`.

    Call arguments:
        x: dict. `"image"`, `tf.string` `[batch]` or `uint8`
            `[batch, height, width, 3]`, or `"images"` or `"image_features"`;
            optionally `"image_present"`, bool `[batch]`. `"question"`,
            `tf.string` `[batch, (questions)]`, ragged or padded with `""`, or
            `[batch]` for one each; optionally `"question_present"`, bool of the same
            shape. `"answer"`, `tf.string` of the same shape, or `"answers"`,
            `tf.string` `[batch, (questions), (annotators)]`, which is used if
            both are present. Optionally `"image_id"`, which errors name.
        y: not used; the targets are made from the answers.
        sample_weight: optional float `[batch]`, multiplied with the weights.

    Output shape:
        `(x, y, sample_weight)`: `x` a dict of `"images"` (or `"image_features"`),
        `"image_mask"`, `int32` `[batch]`, 0 for a missing image, and `"token_ids"`,
        `int32` `[batch, questions, sequence_length]`; `y` `float32`
        `[batch, questions, len(answers)]`, and `sample_weight` `float32`
        `[batch, questions]`.

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
        answers: Sequence[str],
        sequence_length: int = 24,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.check_length(sequence_length)
        self.image_converter = image_converter
        self.tokenizer = tokenizer
        self.answers = _checked_answers(answers)
        self.sequence_length = sequence_length
        with tf.init_scope():
            self._table = _table_of_places(self.answers)
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
                "with the key 'answer' or 'answers', without labels."
            )
        inputs = self.inputs(x)
        scores = self.scores(x)
        weights = tf.cast(self.asked(x), tf.float32)
        if sample_weight is not None:
            sample_weight = tf.cast(tf.convert_to_tensor(sample_weight), tf.float32)
            weights *= tf.expand_dims(sample_weight, 1)
        return inputs, scores, weights

    def scores(self, x: Mapping[str, Any]) -> tf.Tensor:
        """Scores of the answers, float32 `[batch, questions, len(answers)]`."""
        keys = [key for key in ("answers", "answer") if key in x]
        if not keys:
            raise ValueError(missing_key("answer", x))
        questions = question_rows(x)
        given = to_tensor(x[keys[0]])
        if keys[0] == "answers":
            given = in_rows(given, 3)
        else:
            given = tf.expand_dims(in_rows(given), -1)
        with require_as_many(questions.row_lengths(), given.row_lengths(), x):
            given = tf.identity(given.to_tensor(""))
        size = len(self.answers)
        scores = answer_scores(given, self._table.lookup, size)
        return tf.ensure_shape(scores, [None, None, size])

    def places(self, answers: tf.Tensor) -> tf.Tensor:
        """Indices of answers among the known ones.

        Args:
            answers: `tf.string` `[...]`.

        Returns:
            `int32` `[...]`, -1 for an unknown answer.
        """
        return self._table.lookup(answer_key(answers))

    def generate_postprocess(self, places: tf.Tensor) -> tf.Tensor:
        """Answers by their indices.

        Args:
            places: int `[...]`.

        Returns:
            `tf.string` `[...]`.
        """
        return tf.gather(tf.constant(self.answers), places)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config["answers"] = list(self.answers)
        config["sequence_length"] = self.sequence_length
        return config


def _checked_answers(answers: Sequence[str]) -> tuple[str, ...]:
    answers = tuple(answers)
    keys = [key.decode("utf-8") for key in answer_key(tf.constant(answers)).numpy()]
    if not answers or "" in keys or len(set(keys)) < len(keys):
        doubled = sorted({key for key in keys if keys.count(key) > 1})
        raise ValueError(
            "`answers` must be strings that are not blank, and distinct apart from "
            f"case and spaces. Received {len(answers)} answers"
            + (f", with duplicates of {doubled[:_NAMES_SHOWN]}." if doubled else ".")
        )
    return answers


def _table_of_places(answers: Sequence[str]) -> tf.lookup.StaticHashTable:
    return tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            answer_key(tf.constant(answers)), tf.range(len(answers))
        ),
        default_value=-1,
    )
