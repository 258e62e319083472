from __future__ import annotations

import json
import os
import pathlib


def read_vqa_results(path: str | os.PathLike) -> dict[str, str]:
    """Answers from a JSON in the format of VQA v2's results.

    Args:
        path: of the JSON: `[{"question_id": ..., "answer": ...}]`.

    Returns:
        Dict from the id of a question, as a string, to its answer.

    Raises:
        FileNotFoundError: if the file is not there.
        ValueError: if the file is not of this form, an id stands twice, or an answer is
            not a string.
    """
    path = pathlib.Path(path)
    try:
        data = json.loads(path.read_text("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(data, list):
        raise ValueError(
            f"{path} must be a list of {{'question_id': ..., 'answer': ...}}. Found: "
            f"{type(data).__name__}."
        )
    answers: dict[str, str] = {}
    for row, result in enumerate(data):
        if not isinstance(result, dict) or not {"question_id", "answer"} <= set(result):
            raise ValueError(
                f"{path}, row {row}, must have 'question_id' and 'answer'. Found: "
                f"{result!r}."
            )
        question_id, answer = str(result["question_id"]), result["answer"]
        if question_id in answers:
            raise ValueError(
                f"{path} has two answers to question {question_id} (row {row})."
            )
        if not isinstance(answer, str):
            raise ValueError(
                f"{path}, row {row}: the answer to question {question_id} is not a "
                f"string: {answer!r}."
            )
        answers[question_id] = answer
    return answers
