from __future__ import annotations

import os
import pathlib

_ENDINGS = {".csv", ".tsv", ".txt", ".json", ".jsonl", ".token"}


def read_text(path: str | os.PathLike) -> str:
    """Reads a text file.

    Args:
        path: path of a file in UTF-8, with or without a byte order mark.

    Returns:
        The text, without the byte order mark.

    Raises:
        FileNotFoundError: if the file does not exist.
        IsADirectoryError: if it is a folder; the message lists files in it.
        ValueError: if it is not UTF-8.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        texts = sorted(p.name for p in path.iterdir() if p.suffix in _ENDINGS)
        hint = f"; it has {', '.join(texts[:5])}" if texts else ""
        raise IsADirectoryError(
            f"{path} is a folder. Give the path of the file itself{hint}."
        )
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not in UTF-8 (byte {error.start}). Save it as UTF-8."
        ) from error
