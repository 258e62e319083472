from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from mmkeras.data.formats.read_text import read_text


def read_json(
    path: str | os.PathLike, form: str, object_hook: Callable | None = None
) -> Any:
    """Reads a JSON file.

    Args:
        path: path of the file, in UTF-8, with or without a byte order mark.
        form: string, the expected content, for the error.
        object_hook: as in `json.loads`.

    Returns:
        The decoded content.

    Raises:
        FileNotFoundError: if the file does not exist.
        IsADirectoryError: if it is a folder.
        ValueError: if it is not UTF-8 or not JSON.
    """
    text = read_text(path)
    try:
        return json.loads(text, object_hook=object_hook)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON: {error}. It must be {form}.") from error


def read_json_rows(
    path: str | os.PathLike,
    key: str | None,
    form: str,
    object_hook: Callable | None = None,
) -> tuple[list, dict]:
    """Reads a JSON file that holds a list of rows.

    Args:
        path: path of the file.
        key: string, where the list is in the object that the file holds, or `None` if
            the file holds the list itself.
        form: string, the expected content, for the error.
        object_hook: as in `json.loads`.

    Returns:
        The rows, and the object that holds them (empty if `key` is `None`).

    Raises:
        FileNotFoundError: if the file does not exist.
        IsADirectoryError: if it is a folder.
        ValueError: if it is not UTF-8, not JSON, or has no such list.
    """
    data = read_json(path, form, object_hook)
    rows = data if key is None else data.get(key) if isinstance(data, dict) else None
    if isinstance(rows, list):
        return rows, {} if key is None else data
    raise ValueError(f"{path} must be {form}. Found: {describe(data)}.")


def describe(data: object) -> str:
    """Describes a decoded JSON value in a few words, for an error.

    Args:
        data: a decoded JSON value.
    """
    if isinstance(data, dict):
        return f"an object with the keys {sorted(data)}"
    return "a list" if isinstance(data, list) else f"{data!r:.60}"


def require_keys(row: object, keys: tuple[str, ...], place: str) -> None:
    """Checks that a row is an object with certain keys.

    Args:
        row: a decoded JSON value.
        keys: tuple of strings.
        place: string, the file and the row, for the error.

    Raises:
        ValueError: if it is not an object, or a key is missing.
    """
    if not isinstance(row, dict):
        raise ValueError(
            f"{place} must be an object with {', '.join(map(repr, keys))}. Found: "
            f"{row!r:.200}."
        )
    for key in keys:
        if key not in row:
            raise ValueError(
                f"{place} has no {key!r}. Add it, or delete the row. Found: "
                f"{row!r:.200}."
            )
