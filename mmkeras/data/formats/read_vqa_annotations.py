from __future__ import annotations

import json
import os
import pathlib


def read_vqa_annotations(path: str | os.PathLike) -> dict[str, dict]:
    """What annotators answered, from a JSON of VQA v2's annotations.

    Args:
        path: of the JSON, e.g. `v2_mscoco_val2014_annotations.json`.

    Returns:
        Dict from the id of a question, as a string, to a dict of `answers`, list of
        strings, and `answer_type` and `question_type`, strings, empty if the file has
        none.

    Raises:
        FileNotFoundError: if the file is not there.
        ValueError: if the file is not of this form, or an id stands twice.
    """
    path = pathlib.Path(path)
    try:
        data = json.loads(path.read_text("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    rows = data.get("annotations") if isinstance(data, dict) else None
    if not isinstance(rows, list) or not rows:
        raise ValueError(
            f"{path} must be an object with 'annotations', a list with a row for each "
            "question."
        )
    annotations: dict[str, dict] = {}
    for number, row in enumerate(rows):
        place = f"{path}, annotations[{number}]"
        question_id, found = _annotation(row, place)
        if question_id in annotations:
            raise ValueError(f"{place}: question_id {question_id} stands twice.")
        annotations[question_id] = found
    return annotations


def _annotation(row, place) -> tuple[str, dict]:
    try:
        answers = [answer["answer"] for answer in row["answers"]]
        question_id = str(row["question_id"])
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{place} must have 'question_id' and 'answers', a list of objects with "
            f"'answer'. Found: {row!r:.200}."
        ) from error
    types = {name: str(row.get(name, "")) for name in ("answer_type", "question_type")}
    return question_id, {"answers": answers, **types}
