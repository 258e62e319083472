from __future__ import annotations

from collections.abc import Callable, Sequence


def exact_match(
    answers: Sequence[str],
    accepted: Sequence[Sequence[str]],
    normalise: Callable[[str], str] = str.strip,
) -> float:
    """The share of answers that are, letter for letter, one of those accepted.

    Args:
        answers: strings.
        accepted: for each, the strings that count as right.
        normalise: function from string to string, applied to both sides.

    Returns:
        Float from 0 to 1.

    Raises:
        ValueError: if the lengths differ or there is none.
    """
    if len(answers) != len(accepted) or not len(answers):
        raise ValueError(
            "`answers` and `accepted` must be of one length, not 0. Received "
            f"{len(answers)} and {len(accepted)}."
        )
    right = [
        normalise(answer) in set(map(normalise, texts))
        for answer, texts in zip(answers, accepted, strict=True)
    ]
    return sum(right) / len(right)
