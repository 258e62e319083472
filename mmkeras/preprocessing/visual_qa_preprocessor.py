"""Samples of questions about pictures to the tensors that a model trains on."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from mmkeras.preprocessing.answer_scores import answer_key, answer_scores
from mmkeras.preprocessing.image_converter import ImageConverter
from mmkeras.preprocessing.pack_tokens import pack_tokens
from mmkeras.preprocessing.require import require
from mmkeras.preprocessing.task_preprocessor import (
    TaskPreprocessor,
    missing_key,
    name_rows,
    to_tensor,
)
from mmkeras.preprocessing.word_piece_tokenizer import WordPieceTokenizer

_NAMES_SHOWN = 5


@keras.saving.register_keras_serializable(package="mmkeras")
class VisualQAPreprocessor(TaskPreprocessor):
    """Turn batched samples into the inputs, targets and weights of a VQA model.

    A sample is a picture with its questions, so that a batch has as many questions in
    each row as its richest picture; what is filled up has weight 0. A question that is
    longer than `sequence_length` tokens is cut.

    The target of a question is a score of each known answer. One `answer` scores 1.
    Of several annotators' `answers` each scores what the VQA evaluation expects of it
    (`mmkeras.preprocessing.answer_scores`). An answer that is not among the known
    ones scores nothing, so that its question counts as wrong whatever is answered.

    Args:
        image_converter: An `ImageConverter`.
        tokenizer: A tokenizer of the text encoder, for `pack_tokens`.
        answers: list of strings, the answers that the model can give, the most
            frequent first.
        sequence_length: int, at least 3. Tokens of a question with its beginning and
            end.
        **kwargs: `name` and other arguments of `keras.layers.Layer`.

    Call arguments:
        x: dict. `"image"`, `tf.string` `[batch]` or `uint8`
            `[batch, height, width, 3]`, or `"images"` or `"image_features"` in its
            place; optionally `"image_present"`, bool `[batch]`. `"question"`,
            `tf.string` `[batch, (questions)]`, ragged or padded with `""`, or
            `[batch]` for one each; optionally `"question_present"`, bool of the same
            shape. `"answer"`, `tf.string` of the same shape, or `"answers"`,
            `tf.string` `[batch, (questions), (annotators)]`, which counts where both
            are present. Optionally `"image_id"`, which errors then name.
        y: Not used; the targets are made from the answers.
        sample_weight: Optional float `[batch]`, multiplied into the weights.

    Output shape:
        `(x, y, sample_weight)`: `x` a dict of `"images"` (or `"image_features"`),
        `"image_mask"`, `int32` `[batch]`, 0 for no picture, and `"token_ids"`, `int32`
        `[batch, questions, sequence_length]`; `y` `float32`
        `[batch, questions, len(answers)]`, and `sample_weight` `float32`
        `[batch, questions]`.

    Raises:
        ValueError: If a sample lacks its picture, its questions or its answers.
        tf.errors.InvalidArgumentError: If a picture is bad, or a picture has another
            number of answers than of questions. The message names the `image_id`.
    """

    image_converter_cls = ImageConverter
    tokenizer_cls = WordPieceTokenizer
    pictures_may_be_missing = True

    def __init__(
        self,
        image_converter: ImageConverter,
        tokenizer: keras.layers.Layer,
        answers: Sequence[str],
        sequence_length: int = 24,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if sequence_length < 3:
            raise ValueError(
                "`sequence_length` must be at least 3, a word with its beginning and "
                f"end. Received: sequence_length={sequence_length}"
            )
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

    def inputs(self, x: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        """What the model sees of a batch, without its answers.

        Args:
            x: dict of a batch, as `call` takes it.

        Returns:
            dict of `"images"` or `"image_features"`, `"image_mask"` and
            `"token_ids"`.
        """
        inputs = self.pictures(x)
        rows = tf.shape(next(iter(inputs.values())))[:1]
        # Not bool: to see shapes, Keras adds up the first batch over replicas.
        inputs["image_mask"] = tf.ones(rows, tf.int32)
        if "image_present" in x:
            inputs["image_mask"] = tf.cast(x["image_present"], tf.int32)
        inputs["token_ids"] = self.tokenize(_dense(_questions(x)))
        return inputs

    def tokenize(self, questions: tf.Tensor) -> tf.Tensor:
        """Ids of questions, padded; a blank one is all padding.

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
        """Which places of a batch hold a question, bool `[batch, questions]`."""
        questions = _questions(x)
        written = tf.not_equal(tf.strings.strip(_dense(questions)), "")
        if "question_present" not in x:
            return written
        # What is said to be missing was asked all the same.
        present = _rows(to_tensor(x["question_present"]))
        missing = tf.ragged.map_flat_values(tf.logical_not, present)
        return tf.logical_or(written, missing.to_tensor(False))

    def scores(self, x: Mapping[str, Any]) -> tf.Tensor:
        """Scores of the answers, float32 `[batch, questions, len(answers)]`."""
        keys = [key for key in ("answers", "answer") if key in x]
        if not keys:
            raise ValueError(missing_key("answer", x))
        questions = _questions(x)
        given = to_tensor(x[keys[0]])
        if keys[0] == "answers":
            given = _rows(given, 3)
        else:
            given = tf.expand_dims(_rows(given), -1)
        with _require_as_many(questions.row_lengths(), given.row_lengths(), x):
            given = tf.identity(given.to_tensor(""))
        size = len(self.answers)
        scores = answer_scores(given, self._table.lookup, size)
        return tf.ensure_shape(scores, [None, None, size])

    def places(self, answers: tf.Tensor) -> tf.Tensor:
        """Places of answers among those that the model can give.

        Args:
            answers: `tf.string` `[...]`.

        Returns:
            `int32` `[...]`, -1 for an answer that is not known.
        """
        return self._table.lookup(answer_key(answers))

    def generate_postprocess(self, places: tf.Tensor) -> tf.Tensor:
        """Answers by their places.

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
            "`answers` must be strings that are not blank, each another when case and "
            f"spaces do not count. Received {len(answers)} of them"
            + (f", among them twice: {doubled[:_NAMES_SHOWN]}." if doubled else ".")
        )
    return answers


def _table_of_places(answers: Sequence[str]) -> tf.lookup.StaticHashTable:
    return tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            answer_key(tf.constant(answers)), tf.range(len(answers))
        ),
        default_value=-1,
    )


def _questions(x: Mapping[str, Any]) -> tf.RaggedTensor:
    if "question" not in x:
        raise ValueError(missing_key("question", x))
    return _rows(to_tensor(x["question"]))


def _rows(values: tf.Tensor | tf.RaggedTensor, rank: int = 2) -> tf.RaggedTensor:
    """`[batch, (questions), ...]`, also of a batch with one question each."""
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


def _require_as_many(questions: tf.Tensor, answers: tf.Tensor, x: Mapping[str, Any]):
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
            "every question needs its answer: ",
            tf.strings.reduce_join(listed, separator="; "),
            ". Complete them, or leave them out.",
        ]
    )
    return require(tf.logical_not(tf.reduce_any(uneven)), message)
