"""Names and reasons of values that could not be decoded, as messages list them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

# What to do with values that cannot be decoded.
ON_ERROR = ("raise", "skip", "return")

_SHOWN = 3


class UnreadableError(ValueError):
    """A value that could not be decoded, e.g. a corrupted image.

    Args:
        name: string, the name of the value.
        reason: string, why it could not be decoded.
    """

    def __init__(self, name: str, reason: str):
        super().__init__(f"Cannot read {name}: {reason}. Remove it or convert it.")
        self.name, self.reason = name, reason

    def __reduce__(self):
        return type(self), (self.name, self.reason)


def unreadable(names: Iterable[str | bytes], errors: Iterable[bytes]) -> list[str]:
    """The values of a batch that could not be decoded.

    Args:
        names: strings, or UTF-8 as bytes, a name of each value.
        errors: UTF-8 as bytes, as many: the reasons, `b""` for a value that is valid.

    Returns:
        list of `"name: reason"`.
    """
    return [
        f"{_text(name)}: {_text(error)}"
        for name, error in zip(names, errors, strict=True)
        if error
    ]


def checked_outputs(
    outputs: Iterable[Any],
    names: list[str],
    errors: Iterable[bytes],
    on_error: str,
) -> list[Any]:
    """The predictions for a batch of values, some of which could not be decoded.

    Args:
        outputs: iterable with a prediction for each value.
        names: list of strings, the names of the values.
        errors: UTF-8 as bytes, the reasons, `b""` for a value that is valid.
        on_error: string, `"skip"` for `None`, or `"return"` for an `UnreadableError` in
            place of a prediction.
    """
    return [
        output
        if not error
        else (None if on_error == "skip" else UnreadableError(name, _text(error)))
        for output, name, error in zip(outputs, names, errors, strict=True)
    ]


def shorten(lines: list[str]) -> str:
    """The first few lines of a list as one string, with the number of the others."""
    more = len(lines) - _SHOWN
    return "; ".join(lines[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _text(value) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
