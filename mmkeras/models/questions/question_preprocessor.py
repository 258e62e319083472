from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from mmkeras.arguments import whole_number
from mmkeras.data import missing_key
from mmkeras.data.name_rows import name_rows
from mmkeras.models.task_preprocessor import TaskPreprocessor, to_tensor
from mmkeras.preprocessing import ImageModality, Modality, TextModality
from mmkeras.preprocessing.require import require
from mmkeras.preprocessing.text.pack_tokens import pack_tokens

_NAMES_SHOWN = 5


class QuestionPreprocessor(TaskPreprocessor):
    """A preprocessor of images with their questions; a base class.

    A subclass sets `image_converter`, `tokenizer` and `sequence_length`, and overrides
    `call`.
    """

    @property
    def modalities(self) -> tuple[Modality, ...]:
        return (
            ImageModality(self.image_converter, optional=True),
            TextModality("question"),
        )

    def inputs(self, x: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        """The inputs of the model for a batch, without its answers.

        Args:
            x: dict of a batch, as in `call`.

        Returns:
            dict of `"images"` or `"image_features"`, `"image_mask"` and
            `"token_ids"`.
        """
        inputs = self.decoded_inputs(x)
        rows = tf.shape(next(iter(inputs.values())))[:1]
        # Not bool: Keras averages the first batch over replicas to see its shapes.
        inputs["image_mask"] = tf.ones(rows, tf.int32)
        if "image_present" in x:
            inputs["image_mask"] = tf.cast(x["image_present"], tf.int32)
        inputs["token_ids"] = self.tokenize(_dense(question_rows(x)))
        return inputs

    def tokenize(self, questions: tf.Tensor) -> tf.Tensor:
        """Tokenizes questions; a blank one becomes padding only.

        Args:
            questions: `tf.string` `[...]`.

        Returns:
            `int32` `[..., sequence_length]`.
        """
        questions = tf.convert_to_tensor(questions, tf.string)
        ids = pack_tokens(
            self.tokenizer, tf.reshape(questions, [-1]), self.sequence_length
        )
        shape = tf.concat([tf.shape(questions), [self.sequence_length]], axis=0)
        ids = tf.reshape(ids, shape)
        return tf.ensure_shape(ids, [*questions.shape, self.sequence_length])

    def asked(self, x: Mapping[str, Any]) -> tf.Tensor:
        """Which questions of a batch are not padding, bool `[batch, questions]`."""
        questions = question_rows(x)
        written = tf.not_equal(tf.strings.strip(_dense(questions)), "")
        if "question_present" not in x:
            return written
        # A question that is missing on purpose counts.
        present = in_rows(to_tensor(x["question_present"]))
        missing = tf.ragged.map_flat_values(tf.logical_not, present)
        return tf.logical_or(written, missing.to_tensor(False))

    def check_length(self, sequence_length: int) -> None:
        """Checks the length of questions: a word, a start and an end token at least."""
        whole_number("sequence_length", sequence_length, 3)


def question_rows(x: Mapping[str, Any]) -> tf.RaggedTensor:
    """The questions of a batch, `tf.string` `[batch, (questions)]`."""
    if "question" not in x:
        raise ValueError(missing_key("question", x))
    return in_rows(to_tensor(x["question"]))


def in_rows(values: tf.Tensor | tf.RaggedTensor, rank: int = 2) -> tf.RaggedTensor:
    """Ragged `[batch, (questions), ...]`, also from a batch with one question each."""
    if values.shape.rank == rank - 1:
        values = tf.expand_dims(values, 1)
    if values.shape.rank != rank:
        raise ValueError(
            "Questions and answers must be batched: [batch], or [batch, questions]. "
            "Batch the dataset first, with `Dataset.ragged_batch` where the number of "
            f"questions varies. Received: shape={values.shape}"
        )
    if isinstance(values, tf.RaggedTensor):
        return values
    return tf.RaggedTensor.from_tensor(values)


def _dense(questions: tf.RaggedTensor) -> tf.Tensor:
    return questions.to_tensor("")


def require_as_many(
    questions: tf.Tensor, answers: tf.Tensor, x: Mapping[str, Any]
) -> Any:
    """A scope whose operations run only if every question has an answer.

    Args:
        questions: int `[batch]`, the number of questions about each image.
        answers: int `[batch]`, the number of their answers.
        x: dict of the batch; errors name its `image_id`.

    Returns:
        A context manager.
    """
    uneven = tf.not_equal(questions, answers)
    names, kind = name_rows(x, tf.size(questions))
    lines = tf.strings.join(
        [
            f"{kind} ",
            names,
            ": ",
            tf.strings.as_string(questions),
            " questions, ",
            tf.strings.as_string(answers),
            " answers",
        ]
    )
    listed = tf.boolean_mask(lines, uneven)[:_NAMES_SHOWN]
    message = tf.strings.join(
        [
            "every question needs an answer: ",
            tf.strings.reduce_join(listed, separator="; "),
            ". Add the missing ones, or remove these samples.",
        ]
    )
    return require(tf.logical_not(tf.reduce_any(uneven)), message)
