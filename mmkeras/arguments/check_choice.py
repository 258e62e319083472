from __future__ import annotations

from collections.abc import Iterable


def check_choice(name: str, value: object, choices: Iterable[str]) -> None:
    """Checks that an argument is one of several strings.

    Args:
        name: string, the name of the argument.
        value: the value of the argument.
        choices: iterable of strings.

    Raises:
        ValueError: if the value is not among the choices.
    """
    known = list(choices)
    if value not in known:
        *most, last = map(repr, known)
        listed = f"{', '.join(most)} or {last}" if most else last
        raise ValueError(f"`{name}` must be {listed}. Received: {name}={value!r}.")
