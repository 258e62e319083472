from __future__ import annotations

from collections.abc import Mapping

from mmkeras.metrics.answers.vqa_accuracy_report import VQAAccuracyReport

_SHOWN = 5


def evaluate_answers(
    annotations: Mapping[str, Mapping],
    answers: Mapping[str, str],
    allow_missing: bool = False,
) -> dict:
    """The official VQA v2 accuracy of a set of answers.

    Args:
        annotations: dict from the id of a question to what `read_vqa_annotations`
            gives: `answers`, and optionally `answer_type` and `question_type`.
        answers: dict from the id of a question to the answer of a model.
        allow_missing: bool, whether to judge only the questions that both have.

    Returns:
        dict as `VQAAccuracyReport.result` gives it, and with `allow_missing=True`
        `"left_out"`, int, how many questions only one of the two has.

    Raises:
        ValueError: if ids are missing on either side and `allow_missing` is `False`,
            or no question is in both.
    """
    unanswered = [name for name in annotations if name not in answers]
    unknown = [name for name in answers if name not in annotations]
    if (unanswered or unknown) and not allow_missing:
        raise ValueError(
            f"{len(unanswered)} questions have no answer ({_listed(unanswered)}), and "
            f"{len(unknown)} answers no annotation ({_listed(unknown)}). Complete "
            "them, or judge the questions that both have with allow_missing=True "
            "(--allow-missing)."
        )
    report = VQAAccuracyReport()
    for name, annotation in annotations.items():
        if name in answers:
            report.add(
                answers[name],
                annotation["answers"],
                annotation.get("answer_type", ""),
                annotation.get("question_type", ""),
            )
    result = report.result()
    if allow_missing:
        result["left_out"] = len(unanswered) + len(unknown)
    return result


def _listed(names: list) -> str:
    shown = ", ".join(map(str, names[:_SHOWN]))
    return shown + (", …" if len(names) > _SHOWN else "") or "none"
