from __future__ import annotations

import dataclasses

from mmkeras.arguments import setting
from mmkeras.models.questions.question_run import QuestionRun


@dataclasses.dataclass(frozen=True, kw_only=True)
class VisualQARun(QuestionRun):
    """The settings of a training run of a `VisualQA`.

    These are in addition to those of `QuestionRun`, `ImageRun` and `Run`.

    Args:
        num_answers: int, maximum number of answers to choose from.
        min_answer_count: int, how often the data must have an answer for it to be
            among them.
    """

    num_answers: int = setting(
        3000, "maximum number of answers to choose from", minimum=1, role="model"
    )
    min_answer_count: int = setting(
        1, "how often the data must have an answer", minimum=1, role="model"
    )
