"""VQA v2's format of results: generated answers."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Mapping

from mmkeras.data.formats.identifiers import official_id, read_id, written_id
from mmkeras.data.formats.read_json import read_json_rows, require_keys

_FORM = "a list of objects with 'question_id' and 'answer', as in VQA v2's results"


def read_vqa_results(path: str | os.PathLike) -> dict[str, str]:
    """Reads answers in the format of VQA v2's results.

    Args:
        path: path of the JSON: `[{"question_id": ..., "answer": ...}]`.

    Returns:
        Dict from question id, a string, to its answer, which may be empty.

    Raises:
        FileNotFoundError: if the file does not exist.
        IsADirectoryError: if it is a folder.
        ValueError: if the file does not have this form, an id is duplicated or not an
            integer or a string, or an answer is not a string.
    """
    answers: dict[str, str] = {}
    for number, row in enumerate(read_json_rows(path, None, _FORM)[0]):
        place = f"{path}, row {number}"
        require_keys(row, ("question_id", "answer"), place)
        question_id, answer = str(read_id(row, "question_id", place)), row["answer"]
        if question_id in answers:
            raise ValueError(
                f"{place} is a second answer to question {question_id}. Delete one of "
                "them."
            )
        if not isinstance(answer, str):
            raise ValueError(
                f"{place}: the answer to question {question_id} is not a string: "
                f"{answer!r}."
            )
        answers[question_id] = answer
    return answers


def write_vqa_results(
    answers: Mapping[str | int, str], path: str | os.PathLike
) -> None:
    """Writes answers in the format of VQA v2's results, for its evaluation server.

    Args:
        answers: dict from question id, an int or a string, to its answer. Strings of
            digits are written as ints, as in the official files.
        path: path of the JSON to write.

    Raises:
        ValueError: if an id is neither an integer nor a string.
    """
    results = [
        {
            "question_id": official_id(written_id(question_id, "question_id")),
            "answer": answer,
        }
        for question_id, answer in answers.items()
    ]
    text = json.dumps(results, ensure_ascii=False) + "\n"
    pathlib.Path(path).write_text(text, "utf-8")
