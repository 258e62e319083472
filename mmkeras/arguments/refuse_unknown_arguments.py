from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable

# Accepted by every Keras model.
_OF_KERAS = ("name", "trainable", "dtype")


def refuse_unknown_arguments(
    given: Iterable[str],
    place: str,
    *functions: Callable,
    but: Iterable[str] = (),
) -> None:
    """Refuses unknown arguments, which Keras would silently ignore.

    Args:
        given: names of the given arguments.
        place: string, where they were given, e.g. `"VisualQA.from_data"`.
        *functions: functions or classes whose arguments are accepted.
        but: names of arguments of these that are not accepted.

    Raises:
        TypeError: if an argument is unknown; the message suggests close matches.
    """
    known = list(_known(functions, set(but)))
    for name in given:
        if name in known or name in _OF_KERAS:
            continue
        near = difflib.get_close_matches(name, known, n=2)
        guess = f" Did you mean `{'` or `'.join(near)}`?" if near else ""
        raise TypeError(
            f"{place} has no argument `{name}`.{guess} Its arguments are: "
            f"{', '.join(known)}."
        )


def _known(functions, hidden) -> dict[str, None]:
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {
        parameter.name: None
        for function in functions
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind in named and parameter.name not in hidden
    }
