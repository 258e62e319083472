from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Mapping


def write_vqa_results(
    answers: Mapping[str | int, str], path: str | os.PathLike
) -> None:
    """Writes answers in the format of VQA v2's results, which its server takes.

    Args:
        answers: dict from the id of a question to its answer. Ids that are written in
            digits become the ints that they are in the official files.
        path: of the JSON to write.
    """
    results = [
        {"question_id": _as_official(question_id), "answer": answer}
        for question_id, answer in answers.items()
    ]
    text = json.dumps(results, ensure_ascii=False) + "\n"
    pathlib.Path(path).write_text(text, "utf-8")


def _as_official(question_id: str | int) -> str | int:
    text = str(question_id)
    return int(text) if text.isascii() and text.isdigit() else question_id
