from __future__ import annotations

import os
import pathlib

_ENDINGS = {".csv", ".tsv", ".txt", ".json", ".jsonl", ".token"}


def read_text(path: str | os.PathLike) -> str:
    """The text of a file of captions.

    Args:
        path: path of a file in UTF-8, with or without the mark that spreadsheets
            set in front.

    Raises:
        FileNotFoundError: if there is no such file.
        IsADirectoryError: if it is a folder; the message says which files it has.
        ValueError: if it is not in UTF-8.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        texts = sorted(p.name for p in path.iterdir() if p.suffix in _ENDINGS)
        found = f"; it has {', '.join(texts[:5])}" if texts else ""
        raise IsADirectoryError(
            f"{path} is a folder. Give the path of the file itself{found}."
        )
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not in UTF-8 (byte {error.start}). Save it as UTF-8."
        ) from error
