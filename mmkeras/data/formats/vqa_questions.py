"""VQA v2's files of questions and of annotations."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
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
    required = ("image_id", "question")
    content, whole = read_json_rows(path, "questions", _form("questions", required))
    subset = whole.get("data_subtype")
    questions = {}
    for question_id, place, row in _rows(content, f"{path}, questions", required):
        text = row["question"]
        if not isinstance(text, str) or not text.strip():
            raise ValueError(
                f"{place} has {text!r} as a question, "
                "which must be a string and not empty. Write one, or delete it."
            )
        image_id = str(read_id(row, "image_id", place))
        questions[question_id] = {"image_id": image_id, "question": text.strip()}
    return VQAQuestions(questions, subset if isinstance(subset, str) else None)


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
    form = _form("annotations", ("answers",))
    content, _ = read_json_rows(path, "annotations", form, _compact_answers())
    if not content:
        raise ValueError(f"{path} has no annotations.")
    rows = _rows(content, f"{path}, annotations", ("answers",))
    return {question_id: _annotation(row, place) for question_id, place, row in rows}


def _form(key: str, required: tuple[str, ...]) -> str:
    keys = ", ".join(map(repr, ("question_id", *required)))
    return (
        f"an object with {key!r}, a list of objects with {keys}, as in VQA v2's {key} "
        "(questions and annotations are two files)"
    )


def _rows(
    content: list, place: str, required: tuple[str, ...]
) -> Iterator[tuple[str, str, dict]]:
    """Question id, place and content of each row, which is removed from the list."""
    known: set[str] = set()
    for number, row in enumerate(content):
        # Half a million rows and what is made of them need not exist side by side.
        content[number] = None
        where = f"{place}[{number}]"
        require_keys(row, ("question_id", *required), where)
        question_id = str(read_id(row, "question_id", where))
        if question_id in known:
            raise ValueError(
                f"{where}: the question_id {question_id} is duplicated. Delete one of "
                "them."
            )
        known.add(question_id)
        yield question_id, f"{where} (question_id {question_id})", row


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
        annotation[name] = sys.intern(row[name])
    return annotation
