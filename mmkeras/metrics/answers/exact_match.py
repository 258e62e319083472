from __future__ import annotations

from collections.abc import Callable, Sequence


def exact_match(
    answers: Sequence[str],
    accepted: Sequence[Sequence[str]],
    normalize: Callable[[str], str] = str.strip,
) -> float:
    """Computes the fraction of answers that equal an accepted answer.

    Args:
        answers: sequence of strings.
        accepted: sequence of sequences of strings, the correct answers of each.
        normalize: function from string to string, applied to both sides.

    Returns:
        Float from 0 to 1.

    Raises:
        ValueError: if the lengths differ or are 0.

    Example:
        ```python
        exact_match(["red ", "2"], [["red"], ["two", "three"]])  # 0.5
        ```
    """
    if len(answers) != len(accepted) or not len(answers):
        raise ValueError(
            "`answers` and `accepted` must have the same length, not 0. Received "
            f"{len(answers)} and {len(accepted)}."
        )
    correct = [
        normalize(answer) in set(map(normalize, texts))
        for answer, texts in zip(answers, accepted, strict=True)
    ]
    return sum(correct) / len(correct)
