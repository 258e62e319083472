"""Names and reasons of values that could not be decoded, as messages list them."""

from __future__ import annotations

from collections.abc import Iterable

_SHOWN = 3


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


def shorten(lines: list[str]) -> str:
    """The first few lines of a list as one string, with the number of the others."""
    more = len(lines) - _SHOWN
    return "; ".join(lines[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _text(value) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
