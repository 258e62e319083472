from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_MARKS = frozenset(';/[]"{}()=+\\_-><@`,?!')
_COMMA_IN_NUMBER = re.compile("[0-9],[0-9]")
# The official pattern is meant to keep periods after a digit too, but does not.
_PERIOD = re.compile(r"\.(?![0-9])")
# The official code passes a flag in the place of the number of replacements.
_MAX_PERIODS = int(re.UNICODE)
_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten".split()
    )
} | {"none": "0"}
_ARTICLES = {"a", "an", "the"}
# Values of the official table, except for its entries with capital letters, which
# never occur in lower-case text.
_CONTRACTED = """
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've
hasn't haven't he'd he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am
mightn't mightn't've might've mustn't must've needn't not've o'clock oughtn't 'ow's'at
shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's
someone'd someone'd've someone'll someone's something'd something'd've something'll
that's there'd there'd've there're there's they'd they'd've they'll they're they've
'twas wasn't we'd've we've weren't what'll what're what's what've when's where'd where's
where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't
wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've
""".split()


def normalize_answer(answer: str) -> str:
    """Normalizes an answer as the official VQA v2 evaluation does.

    Punctuation (`;/[]"{}()=+\\_-><@`,?!`) is replaced by spaces; a mark that is next to
    a space somewhere in the answer is removed instead, and so are all marks if the
    answer has a comma between digits (`"1,000"`). Periods are removed, except before a
    digit. The rest is converted to lower case, number words from zero to ten and
    `"none"` to digits, articles are removed, and contractions without their apostrophe
    (`"dont"`) get it.

    These surprising rules are official, too: `"none"` becomes `"0"`, `"a"` alone the
    empty string, only the first 32 periods are removed, apostrophes and colons are
    kept, and `"3.5"` is kept while `"3. 5"` becomes `"3 5"`.

    Chinese answers are unchanged except for these ASCII marks; the rules do not cover
    full-width punctuation (`，。？`), Chinese numbers (`两`, `二`) and full-width
    digits (`２`), which must be written alike to be equal.

    Args:
        answer: string.

    Returns:
        A string, which may be empty. `vqa_accuracy` does not normalize if all
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
    marks = _MARKS.intersection(text)
    if marks:
        in_number = _COMMA_IN_NUMBER.search(text) is not None
        table = {}
        for mark in marks:
            beside_space = f"{mark} " in text or f" {mark}" in text
            table[ord(mark)] = "" if beside_space or in_number else " "
        text = text.translate(table)
    return _PERIOD.sub("", text, count=_MAX_PERIODS)


def strip_answer(answer: str) -> str:
    """Removes line breaks, tabs and the surrounding white space of an answer.

    Args:
        answer: string.
    """
    return answer.replace("\n", " ").replace("\t", " ").strip()


def answer_form(answers: Sequence[str]) -> Callable[[str], str]:
    """Chooses how the official VQA v2 evaluation compares answers to a question.

    Args:
        answers: sequence of strings, the annotators' answers to the question.

    Returns:
        `normalize_answer`, or `strip_answer` if all annotators agree: the official
        code then compares answers as they are written.

    Raises:
        ValueError: if there are no answers, or `answers` is a string.
    """
    if isinstance(answers, str) or not len(answers):
        raise ValueError(
            "`answers` must be a sequence of strings, one of each annotator. "
            f"Received: answers={answers!r}."
        )
    agreed = len({strip_answer(answer) for answer in answers}) == 1
    return strip_answer if agreed else normalize_answer


def _contractions() -> dict[str, str]:
    """Maps a word without one of its apostrophes (`"couldn'tve"`) to the word."""
    table = {
        word[:place] + word[place + 1 :]: word
        for word in _CONTRACTED
        for place, letter in enumerate(word)
        if letter == "'"
    }
    # This entry of the official table goes the other way.
    return table | {"somebody'd": "somebodyd"}


_CONTRACTIONS = _contractions()
