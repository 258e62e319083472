from __future__ import annotations

from collections.abc import Sequence

from mmkeras.metrics.answers.answer_form import answer_form


def vqa_accuracy(answer: str, answers: Sequence[str]) -> float:
    """The official VQA v2 accuracy of an answer to one question.

    For each annotator in turn, that answer is as right as `min(1, n / 3)`, where `n`
    of the others gave it; the accuracy is the mean. With ten annotators it is 0, 0.3,
    0.6, 0.9 and 1 for an answer that none, one, two, three, and four or more of them
    gave. With one annotator it is always 0, as there are no others.

    Args:
        answer: string, the answer of a model.
        answers: strings, those of the annotators, ten in VQA v2.

    Returns:
        float from 0 to 1. Both sides are normalised by `normalize_answer`, unless all
        annotators agree: then they are compared as they are written, `"Yes"` and
        `"yes"` being different. So does the official code.

    Raises:
        ValueError: if there are no answers of annotators.

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
    return sum(min(1.0, (number - own) / 3) for own in same) / len(same)
