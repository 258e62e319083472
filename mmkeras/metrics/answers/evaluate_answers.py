from __future__ import annotations

from collections.abc import Mapping

from mmkeras.metrics.answers.vqa_accuracy_report import VQAAccuracyReport

_SHOWN = 5


def evaluate_answers(
    annotations: Mapping[str, Mapping],
    answers: Mapping[str, str],
    allow_missing: bool = False,
) -> dict:
    """Computes the official VQA v2 accuracy of a set of answers.

    Args:
        annotations: dict from question id to a dict of `answers` and optionally
            `answer_type` and `question_type`, as `read_vqa_annotations` returns it.
        answers: dict from question id to the predicted answer.
        allow_missing: bool, whether to evaluate only the questions on both sides.

    Returns:
        Dict as returned by `VQAAccuracyReport.result`; with `allow_missing=True` also
        `"left_out"`, int, the number of questions on one side only.

    Raises:
        ValueError: if ids are missing on either side and `allow_missing` is `False`,
            or no question is on both sides.
    """
    unanswered = [name for name in annotations if name not in answers]
    unknown = [name for name in answers if name not in annotations]
    if (unanswered or unknown) and not allow_missing:
        raise ValueError(
            f"{len(unanswered)} questions have no answer ({_listed(unanswered)}), and "
            f"{len(unknown)} answers no annotation ({_listed(unknown)}). Complete "
            "them, or evaluate the questions on both sides with allow_missing=True "
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
