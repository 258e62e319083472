from __future__ import annotations

import dataclasses

from mmkeras.arguments import setting
from mmkeras.models.questions.question_run import QuestionRun


@dataclasses.dataclass(frozen=True, kw_only=True)
class GenerativeVisualQARun(QuestionRun):
    """The settings of a training run of a `GenerativeVisualQA`.

    These are in addition to those of `QuestionRun`, `ImageRun` and `Run`.

    Args:
        answer_length: int, maximum number of tokens of an answer with its end token,
            or `None` to choose it from the data.
        long_answers: string, what to do with answers longer than a given
            `answer_length`: `"error"` or `"cut"`.
    """

    answer_length: int | None = setting(
        None,
        "maximum number of tokens of an answer (default: chosen from the data)",
        minimum=2,
        role="model",
    )
    long_answers: str = setting(
        "error",
        "what to do with answers longer than a given answer length",
        choices=("error", "cut"),
        role="model",
    )
