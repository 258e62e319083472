from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable

# What every model of Keras takes.
_OF_KERAS = ("name", "trainable", "dtype")


def refuse_unknown_arguments(
    given: Iterable[str],
    place: str,
    *functions: Callable,
    but: Iterable[str] = (),
) -> None:
    """Refuses arguments that Keras would take for its own and pass over in silence.

    Args:
        given: names of the arguments that were given beside the named ones.
        place: string, what they were given to: `"VisualQA.from_data"`.
        *functions: the functions, or classes, whose arguments are known.
        but: names of arguments of these that are set already and not to be given.

    Raises:
        TypeError: if one is not known; it names the closest ones and all there are.
    """
    known = list(_known(functions, set(but)))
    for name in given:
        if name in known or name in _OF_KERAS:
            continue
        near = difflib.get_close_matches(name, known, n=2)
        guess = f" Did you mean `{'` or `'.join(near)}`?" if near else ""
        raise TypeError(
            f"{place} takes no `{name}`.{guess} It takes: {', '.join(known)}."
        )


def _known(functions, hidden) -> dict[str, None]:
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {
        parameter.name: None
        for function in functions
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind in named and parameter.name not in hidden
    }
