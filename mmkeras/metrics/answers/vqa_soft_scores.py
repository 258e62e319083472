from __future__ import annotations

import collections
from collections.abc import Sequence

from mmkeras.metrics.answers.answer_form import answer_form


def vqa_soft_scores(
    answers: Sequence[str], leave_one_out: bool = True
) -> dict[str, float]:
    """How right each answer to a question is: the targets of training.

    Args:
        answers: strings, those of the annotators, ten in VQA v2.
        leave_one_out: bool, whether an answer's score is the accuracy that giving it
            gets, as `vqa_accuracy` has it (with ten annotators 0.3, 0.6, 0.9 and 1 for
            one, two, three, and four or more of them), or `min(1, n / 3)` for `n` of
            all annotators (1/3, 2/3 and 1), which does not vanish where there is but
            one.

    Returns:
        dict from each answer, normalised as `vqa_accuracy` compares it, to a float
        above 0 (but for `leave_one_out` and one annotator), in the order in which they
        are first given. All other answers have the score 0. An answer of which
        nothing is left (`"the"`) is left out.

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
    # Left out is one of those who gave the answer, or one of the others.
    own, others = number * min(1.0, (number - 1) / 3), min(1.0, number / 3)
    return (own + (total - number) * others) / total
