from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from mmkeras.arguments import whole_number
from mmkeras.preprocessing import load_images


@dataclasses.dataclass
class QuestionBatch:
    """A batch of images with their questions, padded.

    Args:
        images: list of bytes, empty for a missing image.
        names: list of strings, the names of the images in errors.
        present: bool `[batch]`, whether there is an image.
        questions: `[batch, questions]` of strings, empty for padding.
        numbers: list of int, the number of questions about each image.
    """

    images: list[bytes]
    names: list[str]
    present: np.ndarray
    questions: np.ndarray
    numbers: list[int]


def question_batches(images: Any, questions: Any, batch_size: int) -> QuestionBatches:
    """Batches of images and questions in any form that `answer` accepts.

    Args:
        images: as in `VisualQA.answer`.
        questions: as in `VisualQA.answer`.
        batch_size: int, number of images in a batch.

    Returns:
        An iterable of `QuestionBatch`.

    Raises:
        FileNotFoundError: if a path does not exist.
        ValueError: if a question is blank or not a string, or the numbers of images
            and questions differ.
    """
    batch_size = whole_number("batch_size", batch_size, 1)
    questions = _plain_questions(questions)
    loaded, names, single = _load(images)
    if single:
        rows = [questions]
    elif questions is None or isinstance(questions, str):
        rows = [questions] * len(loaded)
    elif isinstance(questions, bytes) or not isinstance(questions, Iterable):
        raise ValueError(_no_question("`questions` must be a string", questions))
    else:
        rows = list(questions)
    if len(rows) != len(loaded):
        raise ValueError(
            f"`images` has {len(loaded)} items, and `questions` has {len(rows)}. Give "
            "one question for all images, or a question or a list of questions for "
            "each. For several questions about one image give it without a list: "
            "answer(image, [question, another])."
        )
    return QuestionBatches(loaded, names, rows, single, batch_size)


class QuestionBatches:
    """Batches of images and questions; arranges answers in the form of the input."""

    def __init__(
        self,
        images: list[bytes | None],
        names: list[str],
        rows: list,
        single: bool,
        batch_size: int,
    ):
        self._images, self._names = images, names
        self._asked = [
            _listed(row, name) for row, name in zip(rows, names, strict=True)
        ]
        rows = map(_plain_questions, rows)
        self._alone = [row is None or isinstance(row, str) for row in rows]
        self._single = single
        self._batch_size = batch_size

    def __iter__(self) -> Iterator[QuestionBatch]:
        for start in range(0, len(self._images), self._batch_size):
            part = slice(start, start + self._batch_size)
            asked = self._asked[part]
            numbers = [len(row) for row in asked]
            most = max(1, *numbers)
            yield QuestionBatch(
                images=[image or b"" for image in self._images[part]],
                names=self._names[part],
                present=np.array([image is not None for image in self._images[part]]),
                questions=np.array(
                    [row + [""] * (most - len(row)) for row in asked], object
                ),
                numbers=numbers,
            )

    def arrange(self, found: list[list]) -> Any:
        """Answers in the form of the input.

        Args:
            found: list with a list of answers for each image.
        """
        pairs = zip(found, self._alone, strict=True)
        rows = [row[0] if alone else row for row, alone in pairs]
        return rows[0] if self._single else rows


def _load(images) -> tuple[list[bytes | None], list[str], bool]:
    if images is None:
        return [None], ["no image"], True
    if not isinstance(images, (list, tuple)) or all(i is not None for i in images):
        return load_images(images)
    loaded, names = [], []
    for index, image in enumerate(images):
        found, given, single = load_images(image) if image is not None else _load(None)
        if not single:
            raise ValueError(f"Item {index} of `images` is not a single image.")
        loaded += found
        names += (
            given if image is None or isinstance(image, str) else [f"image {index}"]
        )
    return loaded, names, False


def _listed(row, name) -> list[str]:
    row = _plain_questions(row)
    alone = isinstance(row, (str, bytes)) or not isinstance(row, Iterable)
    asked = [row] if alone else list(row)
    for question in asked:
        if question is not None and not isinstance(question, str):
            what = f"A question about {name} must be a string"
            raise ValueError(_no_question(what, question))
        _require_unicode(question or "", name)
        if question is not None and not question.strip():
            raise ValueError(
                f"A question about {name} is blank. Ask something, or give `None` to "
                "ask without a question."
            )
    return [question or "" for question in asked]


def _no_question(what, received) -> str:
    remedy = " Decode it: question.decode()." if isinstance(received, bytes) else ""
    return f"{what}. Received: {received!r:.200}.{remedy}"


def _require_unicode(question, name) -> None:
    try:
        question.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"A question about {name} has a lone surrogate at index {error.start}, "
            f"{question[error.start]!r}, as text that was cut or wrongly decoded has. "
            "Remove it."
        ) from error


def _plain_questions(questions):
    """Decodes the questions of a batch; returns others as they are.

    Args:
        questions: strings, lists of strings, or the `question` of a dataset: a string
            tensor, a `tf.RaggedTensor` or an array.

    Returns:
        For a tensor or an array a string, or nested lists of strings.
    """
    if isinstance(questions, (tf.RaggedTensor, tf.compat.v1.ragged.RaggedTensorValue)):
        return _decoded(questions.to_list())
    if isinstance(questions, (tf.Tensor, np.ndarray, np.generic)):
        return _decoded(np.asarray(questions).tolist())
    return questions


def _decoded(texts):
    if isinstance(texts, list):
        return [_decoded(text) for text in texts]
    return texts.decode("utf-8") if isinstance(texts, bytes) else texts
