"""Version folders of a model, as TF Serving lays them out."""

from __future__ import annotations

import os
import pathlib
import re

_MODELS = ("saved_model.pb", "saved_model.pbtxt")
_SHARD = re.compile(r"(.+)\.data-(\d{5})-of-(\d{5})")

Snapshot = tuple[tuple[str, int, int], ...]


def find_versions(folder: str | os.PathLike) -> dict[int, pathlib.Path]:
    """Find the versions of a model, newest first.

    Args:
        folder: path of a folder with subfolders named by numbers, as in TF Serving, or
            of a SavedModel, which is version 1 unless its name is a number.

    Returns:
        Dict from version to path, empty if there is no version.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        return {}
    if _is_saved_model(folder):
        return {_version(folder.resolve().name) or 1: folder}
    versions = {}
    for item in folder.iterdir():
        version = _version(item.name)
        if version and item.is_dir():
            versions[version] = item
    return dict(sorted(versions.items(), reverse=True))


def folder_snapshot(path: str | os.PathLike) -> Snapshot | None:
    """Describe the files of a version, to detect whether they are still being written.

    Args:
        path: path of a SavedModel.

    Returns:
        Name, size in bytes and modification time of each file, to be compared with a
        later snapshot, or `None` while files of the SavedModel are missing.
    """
    path = pathlib.Path(path)
    try:
        files = sorted(
            (str(item.relative_to(path)), item.stat().st_size, item.stat().st_mtime_ns)
            for item in path.rglob("*")
            if item.is_file()
        )
    except FileNotFoundError:
        # A file was deleted in the meantime.
        return None
    names = {name for name, _, _ in files}
    if "saved_model.pb" not in names or _missing_shards(names):
        return None
    return tuple(files)


def _is_saved_model(folder) -> bool:
    return any((folder / name).is_file() for name in _MODELS)


def _version(name) -> int | None:
    # At most 18 digits, which fit into an int64.
    return int(name) if re.fullmatch("[1-9][0-9]{0,17}", name) else None


def _missing_shards(names) -> bool:
    index = "variables/variables.index" in names
    shards = [match for name in names if (match := _SHARD.fullmatch(name))]
    if not index:
        return bool(shards)
    expected = max((int(match[3]) for match in shards), default=1)
    return len({match[2] for match in shards}) < expected
