from __future__ import annotations

import os
import pathlib
import re

_MODELS = ("saved_model.pb", "saved_model.pbtxt")


def find_versions(folder: str | os.PathLike) -> dict[int, pathlib.Path]:
    """The versions of a model, newest first.

    Args:
        folder: one that has folders named by numbers, as TF Serving asks for, or a
            SavedModel, which is version 1 unless its own name is a number.

    Returns:
        dict of paths by version; empty if there is neither.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        return {}
    if _is_saved_model(folder):
        return {_version(folder.resolve().name) or 1: folder}
    found = {}
    for item in folder.iterdir():
        version = _version(item.name)
        if version and item.is_dir():
            found[version] = item
    return dict(sorted(found.items(), reverse=True))


def _is_saved_model(folder) -> bool:
    return any((folder / name).is_file() for name in _MODELS)


def _version(name) -> int | None:
    # Up to what an int64 holds.
    return int(name) if re.fullmatch("[1-9][0-9]{0,17}", name) else None
