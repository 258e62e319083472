from __future__ import annotations

import re

from mmkeras.metrics.answers.strip_answer import strip_answer
from mmkeras.metrics.answers.vqa_contractions import vqa_contractions

_MARKS = frozenset(';/[]"{}()=+\\_-><@`,?!')
_COMMA_IN_NUMBER = re.compile("[0-9],[0-9]")
# The official pattern means to spare what follows a digit too, and does not.
_PERIOD = re.compile(r"\.(?![0-9])")
# The official code gives a flag in the place of the number of replacements.
_MOST_PERIODS = int(re.UNICODE)
_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten".split()
    )
} | {"none": "0"}
_ARTICLES = {"a", "an", "the"}
_CONTRACTIONS = vqa_contractions()


def normalize_answer(answer: str) -> str:
    """An answer as the official VQA v2 evaluation compares it.

    Marks (`;/[]"{}()=+\\_-><@`,?!`) become spaces; one that stands next to a space
    somewhere in the answer is taken away instead, and so are all if the answer has a
    comma between digits (`"1,000"`). Periods are taken away, but for those before a
    digit. The rest is in lower case, number words from zero to ten and `"none"` are
    digits, articles are left out, and contractions without their apostrophe are given
    it (`"dont"`).

    What may surprise is official too: `"none"` is `"0"`, `"a"` alone is nothing, only
    the first 32 periods go, apostrophes and colons stay, and `"3.5"` is kept where
    `"3. 5"` is `"3 5"`.

    Chinese answers are left as they are, but for these ASCII marks; there is nothing
    in the rule on full-width marks (`，。？`), Chinese numbers (`两`, `二`) and digits
    (`２`), which stay and must be written alike to be equal.

    Args:
        answer: string.

    Returns:
        A string, which may be empty. `vqa_accuracy` does not normalise where all
        annotators agree.

    Example:
        ```python
        normalize_answer("The two-door car.")   # "2 door car"
        ```

    Reference:
        - [Antol et al., 2015](https://arxiv.org/abs/1505.00468)
        - [Official evaluation](https://github.com/GT-Vision-Lab/VQA),
          `PythonEvaluationTools/vqaEvaluation/vqaEval.py`
    """
    words = _without_marks(strip_answer(answer)).lower().split()
    words = [_NUMBERS.get(word, word) for word in words]
    words = [word for word in words if word not in _ARTICLES]
    return " ".join(_CONTRACTIONS.get(word, word) for word in words)


def _without_marks(text: str) -> str:
    found = _MARKS.intersection(text)
    if found:
        in_number = _COMMA_IN_NUMBER.search(text) is not None
        table = {}
        for mark in found:
            beside_space = f"{mark} " in text or f" {mark}" in text
            table[ord(mark)] = "" if beside_space or in_number else " "
        text = text.translate(table)
    return _PERIOD.sub("", text, count=_MOST_PERIODS)
