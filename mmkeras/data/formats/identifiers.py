"""Ids of images and questions in JSON files."""

from __future__ import annotations

import operator
from collections.abc import Hashable


def read_id(row: dict, key: str, place: str) -> int | str:
    """Reads the id of a row.

    Args:
        row: dict, a JSON object that has the key.
        key: string, e.g. `"image_id"`.
        place: string, the file and the row, for the error.

    Returns:
        The id as it is written, an int or a string.

    Raises:
        ValueError: if it is neither an integer nor a string, or an empty string;
            `null`, `true` and `1.5` are refused.
    """
    value = row[key]
    if isinstance(value, bool) or not isinstance(value, (int, str)) or value == "":
        raise ValueError(
            f"{place} has {value!r} as {key!r}, which must be an integer or a string. "
            "Give it one, or delete the row."
        )
    return value


def written_id(value: Hashable, key: str) -> int | str:
    """Converts an id to a value that JSON can hold.

    Args:
        value: int, of Python or NumPy, or string.
        key: string, e.g. `"image_id"`, for the error.

    Raises:
        ValueError: if it is neither an integer nor a string.
    """
    if isinstance(value, str):
        return value
    try:
        return operator.index(value)  # type: ignore[call-overload]
    except TypeError:
        raise ValueError(
            f"{key!r} must be an integer or a string. Received: {value!r}."
        ) from None


def official_id(value: int | str) -> int | str:
    """Converts an id to the form it has in official files.

    Args:
        value: int or string.

    Returns:
        An int if the id is written as one, and the same text again: `"42"` becomes 42,
        and `"007"` stays a string.
    """
    text = str(value)
    is_number = text.isascii() and text.isdigit()
    return int(text) if is_number and str(int(text)) == text else value
