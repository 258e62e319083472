from __future__ import annotations

from collections.abc import Sequence

from mmkeras.metrics.answers.normalize_answer import answer_form


def vqa_accuracy(answer: str, answers: Sequence[str]) -> float:
    """Computes the official VQA v2 accuracy of an answer to one question.

    Each annotator is left out in turn; the answer then scores `min(1, n / 3)`, where
    `n` of the others gave it. The accuracy is the mean of these scores. With ten
    annotators it is 0, 0.3, 0.6, 0.9 or 1 for an answer given by none, one, two, three,
    or at least four of them. With one annotator it is always 0.

    Args:
        answer: string, the predicted answer.
        answers: sequence of strings, the annotators' answers, ten in VQA v2.

    Returns:
        Float from 0 to 1. As in the official code, both sides are normalized by
        `normalize_answer`, unless all annotators agree: then they are compared as they
        are written, and `"Yes"` differs from `"yes"`.

    Raises:
        ValueError: if there are no annotators' answers.

    Example:
        ```python
        vqa_accuracy("2", ["two", "2", "3", "many", "3", "3", "4", "5", "6", "7"])
        # 0.6
        ```

    Reference:
        - [Antol et al., 2015](https://arxiv.org/abs/1505.00468)
        - [Official evaluation](https://github.com/GT-Vision-Lab/VQA)
    """
    form = answer_form(answers)
    given = form(answer)
    same = [form(reference) == given for reference in answers]
    number = sum(same)
    total = 0.0
    # Added from left to right, which gives the official code's result to the last bit:
    # `sum` does something else since Python 3.12.
    for own in same:
        total += min(1.0, (number - own) / 3)
    return total / len(same)
