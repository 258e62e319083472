"""VQA v2's files of questions and of annotations."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from mmkeras.data.formats.identifiers import read_id
from mmkeras.data.formats.read_json import read_json_rows, require_keys

_OPTIONAL = ("multiple_choice_answer", "question_type", "answer_type")


class VQAQuestions(NamedTuple):
    """A file of VQA v2's questions.

    Attributes:
        questions: dict from question id, a string, to a dict of `image_id` (string)
            and `question` (string), in the order of the file.
        subset: string, the file's `data_subtype` (`"val2014"`), or `None`.
    """

    questions: dict[str, dict[str, str]]
    subset: str | None


def read_vqa_questions(path: str | os.PathLike) -> VQAQuestions:
    """Reads VQA v2's questions.

    Args:
        path: path of the JSON: `{"questions": [{"question_id": ..., "image_id": ...,
            "question": ...}]}`.

    Returns:
        `VQAQuestions`.

    Raises:
        FileNotFoundError: if the file does not exist.
        IsADirectoryError: if it is a folder.
        ValueError: if the file does not have this form, a question id is duplicated,
            an id is not an integer or a string, or a question is empty.

    Reference:
        - [Goyal et al., 2017](https://arxiv.org/abs/1612.00837)
    """
    rows, subset = _read_rows(path, "questions", ("image_id", "question"))
    questions = {}
    for question_id, (place, row) in rows.items():
        text = row["question"]
        if not isinstance(text, str) or not text.strip():
            raise ValueError(
                f"{place} (question_id {question_id}) has {text!r} as a question, "
                "which must be a string and not empty. Write one, or delete it."
            )
        image_id = str(read_id(row, "image_id", place))
        questions[question_id] = {"image_id": image_id, "question": text.strip()}
    return VQAQuestions(questions, subset)


def read_vqa_annotations(path: str | os.PathLike) -> dict[str, dict]:
    """Reads VQA v2's annotations.

    Args:
        path: path of the JSON, e.g. `v2_mscoco_val2014_annotations.json`:
            `{"annotations": [{"question_id": ..., "answers": [{"answer": ...}]}]}`.

    Returns:
        Dict from question id, a string, in the order of the file, to a dict of
        `answers` (list of strings, at least one) and, where the row has them,
        `image_id`, `multiple_choice_answer`, `question_type` and `answer_type`
        (strings).

    Raises:
        FileNotFoundError: if the file does not exist.
        IsADirectoryError: if it is a folder.
        ValueError: if the file does not have this form, a question id is duplicated,
            an id is not an integer or a string, a question has no answers, or an
            answer or a type is not a string.

    Reference:
        - [Goyal et al., 2017](https://arxiv.org/abs/1612.00837)
    """
    rows, _ = _read_rows(path, "annotations", ("answers",), _compact_answers())
    if not rows:
        raise ValueError(f"{path} has no annotations.")
    return {
        question_id: _annotation(row, f"{place} (question_id {question_id})")
        for question_id, (place, row) in rows.items()
    }


def _read_rows(
    path, key: str, required: tuple[str, ...], object_hook: Callable | None = None
) -> tuple[dict[str, tuple[str, dict]], str | None]:
    """Places and rows by question id, and the subset."""
    form = f"an object with {key!r}, a list of objects with 'question_id'"
    form += "".join(f", {name!r}" for name in required)
    form += f", as in VQA v2's {key} (questions and annotations are two files)"
    rows: dict[str, tuple[str, dict]] = {}
    content, whole = read_json_rows(path, key, form, object_hook)
    for number, row in enumerate(content):
        place = f"{path}, {key}[{number}]"
        require_keys(row, ("question_id", *required), place)
        question_id = str(read_id(row, "question_id", place))
        if question_id in rows:
            raise ValueError(
                f"{place}: the question_id {question_id} is duplicated. Delete one of "
                "them."
            )
        rows[question_id] = place, row
    subset = whole.get("data_subtype")
    return rows, subset if isinstance(subset, str) else None


def _compact_answers() -> Callable[[dict], object]:
    """A hook that keeps an annotator's answer as a tuple of one string.

    Ten answers of each of 443,757 questions are few different strings, and tuples
    are not confused with what the file itself may have in place of objects.
    """
    known: dict[str, tuple[str]] = {}

    def compact(item: dict) -> object:
        answer = item.get("answer")
        if isinstance(answer, str) and "question_id" not in item:
            return known.setdefault(answer, (answer,))
        return item

    return compact


def _annotation(row: dict, place: str) -> dict:
    answers = row["answers"]
    valid = isinstance(answers, list) and all(isinstance(a, tuple) for a in answers)
    if not valid or not answers:
        raise ValueError(
            f"{place} has 'answers' that are not a list of objects with 'answer', a "
            f"string, at least one. Found: {answers!r:.60}."
        )
    annotation: dict = {"answers": [answer for (answer,) in answers]}
    if "image_id" in row:
        annotation["image_id"] = str(read_id(row, "image_id", place))
    for name in _OPTIONAL:
        if name not in row:
            continue
        if not isinstance(row[name], str):
            raise ValueError(
                f"{place} has {row[name]!r} as {name!r}, which must be a string."
            )
        annotation[name] = row[name]
    return annotation
