from __future__ import annotations

import math
from collections.abc import Sequence

from mmkeras.metrics.answers.vqa_accuracy import vqa_accuracy


class VQAAccuracyReport:
    """The official VQA v2 accuracy of a set of questions, overall and by type.

    Example:
        ```python
        report = VQAAccuracyReport()
        report.add("2", ["2"] * 9 + ["two"], answer_type="number")
        report.result()
        # {"questions": 1, "overall": 100.0, "by_answer_type": {"number": 100.0},
        #  "by_question_type": {}}
        ```

    Reference:
        - [Official evaluation](https://github.com/GT-Vision-Lab/VQA)
    """

    def __init__(self):
        self._all: list[float] = []
        self._by_answer_type: dict[str, list[float]] = {}
        self._by_question_type: dict[str, list[float]] = {}

    def add(
        self,
        answer: str,
        answers: Sequence[str],
        answer_type: str = "",
        question_type: str = "",
    ) -> float:
        """Adds one question.

        Args:
            answer: string, the predicted answer.
            answers: sequence of strings, the annotators' answers.
            answer_type: string, such as `"yes/no"`, or empty if unknown.
            question_type: string, such as `"how many"`, or empty if unknown.

        Returns:
            Float from 0 to 1, its accuracy.

        Raises:
            ValueError: if there are no annotators' answers.
        """
        accuracy = vqa_accuracy(answer, answers)
        self._all.append(accuracy)
        if answer_type:
            self._by_answer_type.setdefault(answer_type, []).append(accuracy)
        if question_type:
            self._by_question_type.setdefault(question_type, []).append(accuracy)
        return accuracy

    def result(self) -> dict:
        """Computes the mean accuracies, in percent, rounded to two digits.

        Returns:
            Dict of `"questions"` (int), `"overall"` (float), `"by_answer_type"` and
            `"by_question_type"` (dicts of floats, in alphabetical order).

        Raises:
            ValueError: if no question has been added.
        """
        if not self._all:
            raise ValueError("No question was added, so there is no accuracy.")
        return {
            "questions": len(self._all),
            "overall": _percent(self._all),
            "by_answer_type": _percents(self._by_answer_type),
            "by_question_type": _percents(self._by_question_type),
        }


def _percents(kinds: dict[str, list[float]]) -> dict[str, float]:
    return {kind: _percent(kinds[kind]) for kind in sorted(kinds)}


def _percent(accuracies: list[float]) -> float:
    return round(100 * math.fsum(accuracies) / len(accuracies), 2)
