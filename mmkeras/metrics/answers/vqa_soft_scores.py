from __future__ import annotations

import collections
from collections.abc import Sequence

from mmkeras.metrics.answers.normalize_answer import answer_form


def vqa_soft_scores(
    answers: Sequence[str], leave_one_out: bool = True
) -> dict[str, float]:
    """Computes soft scores of the answers to a question, as training targets.

    Args:
        answers: sequence of strings, the annotators' answers, ten in VQA v2.
        leave_one_out: bool, whether the score of an answer is its `vqa_accuracy` (with
            ten annotators 0.3, 0.6, 0.9 and 1 for an answer given by one, two, three,
            or at least four of them), or `min(1, n / 3)` for an answer given by `n`
            annotators (1/3, 2/3 and 1), which is positive with one annotator, too.

    Returns:
        Dict from answer, normalized as in `vqa_accuracy`, to its score, a float from 0
        to 1, in the order of first occurrence. All other answers have the score 0.
        Answers that are empty after normalization (`"the"`) are ignored.

    Raises:
        ValueError: if there are no answers.

    Example:
        ```python
        vqa_soft_scores(["two"] * 3 + ["2"] * 5 + ["many", "A lot"])
        # {"2": 1.0, "many": 0.3, "lot": 0.3}
        ```

    Reference:
        - [Teney et al., 2018](https://arxiv.org/abs/1708.02711)
    """
    form = answer_form(answers)
    counts = collections.Counter(form(answer) for answer in answers)
    total = counts.total()
    return {
        answer: _expected(number, total) if leave_one_out else min(1.0, number / 3)
        for answer, number in counts.items()
        if answer
    }


def _expected(number: int, total: int) -> float:
    # The annotator who is left out gave the answer, or another one.
    own, others = number * min(1.0, (number - 1) / 3), min(1.0, number / 3)
    return (own + (total - number) * others) / total
