from __future__ import annotations

from collections.abc import Callable, Sequence

from mmkeras.metrics.answers.normalize_answer import normalize_answer
from mmkeras.metrics.answers.strip_answer import strip_answer


def answer_form(answers: Sequence[str]) -> Callable[[str], str]:
    """What the official VQA v2 evaluation makes of the answers of a question.

    Args:
        answers: the annotators' answers to it.

    Returns:
        `normalize_answer`, or `strip_answer` where all annotators agree: then the
        official code compares letter by letter.

    Raises:
        ValueError: if there are no answers, or they are one string.
    """
    if isinstance(answers, str) or not len(answers):
        raise ValueError(
            "`answers` must be the answers of the annotators, one string each. "
            f"Received: answers={answers!r}."
        )
    agreed = len({strip_answer(answer) for answer in answers}) == 1
    return strip_answer if agreed else normalize_answer
