from __future__ import annotations

import json
import os
import pathlib
import sys

from mmkeras.data.formats.read_text import read_text


def read_vqa_json(
    path: str | os.PathLike, key: str, required: tuple[str, ...]
) -> tuple[dict[str, dict], str | None]:
    """The rows of an official VQA questions or annotations file by question id.

    Args:
        path: path of the JSON.
        key: string, `"questions"` or `"annotations"`: where the list of rows is.
        required: tuple of strings, what each row must have beside `question_id`.

    Returns:
        dict of the rows by question id, a string, in the order of the file, and the
        `data_subtype` of the file (`"val2014"`) or `None`. An annotator's answer,
        `{"answer": "yes", ...}`, is the string alone.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not of this form, or a question id stands twice.
    """
    path = pathlib.Path(path)
    form = f"an object with {key!r}, a list of objects with 'question_id'"
    form += "".join(f", {name!r}" for name in required)
    try:
        data = json.loads(read_text(path), object_hook=_compact)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON: {error}. It must be {form}.") from error
    if not isinstance(data, dict) or not isinstance(data.get(key), list):
        found = f"the keys {sorted(data)}" if isinstance(data, dict) else "none"
        raise ValueError(
            f"{path} is not a VQA {key} file: it must be {form}; this one has {found}. "
            "Give first the questions, then the annotations."
        )
    rows: dict[str, dict] = {}
    for number, row in enumerate(data[key]):
        question_id = _question_id(row, f"{path}, {key}[{number}]", required)
        if question_id in rows:
            raise ValueError(
                f"{path} has the question_id {question_id} twice. Delete one of them."
            )
        rows[question_id] = row
    subset = data.get("data_subtype")
    return rows, subset if isinstance(subset, str) else None


def _compact(item: dict) -> object:
    # Ten answers of each of 443,757 questions are few different strings.
    if isinstance(item.get("answer"), str) and "question_id" not in item:
        return sys.intern(item["answer"])
    return item


def _question_id(row, place, required) -> str:
    missing = [
        name
        for name in ("question_id", *required)
        if not isinstance(row, dict) or name not in row
    ]
    if missing:
        raise ValueError(f"{place} has no {missing[0]!r}. Add it, or delete the row.")
    question_id = row["question_id"]
    # Both are written as they are in results, so that true and 1.5 are none either.
    if isinstance(question_id, bool) or not isinstance(question_id, (int, str)):
        raise ValueError(
            f"{place} has {question_id!r} as 'question_id', which must be an integer "
            "or a string. Give it one, or delete the row."
        )
    return str(question_id)
