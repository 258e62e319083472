from __future__ import annotations

import dataclasses

from mmkeras.arguments import check_settings, setting


@dataclasses.dataclass(frozen=True)
class AnswerOptions:
    """The options of `VisualQA.answer`.

    Args:
        num_sequences: int, number of answers to each question, best first.

    Raises:
        ValueError: if an option is out of range.
    """

    num_sequences: int = setting(1, "number of answers, best first", minimum=1)

    def __post_init__(self):
        check_settings(self)
