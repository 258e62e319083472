from __future__ import annotations

import os
import pathlib
import re

_SHARD = re.compile(r"(.+)\.data-(\d{5})-of-(\d{5})")

Snapshot = tuple[tuple[str, int, int], ...]


def folder_snapshot(path: str | os.PathLike) -> Snapshot | None:
    """What a version's folder looks like, to see whether it is still written to.

    Args:
        path: folder of a SavedModel.

    Returns:
        The name, size in bytes and time of change of each file, to be compared with a
        later one; or `None` while files are missing that a SavedModel has.
    """
    path = pathlib.Path(path)
    try:
        files = sorted(
            (str(item.relative_to(path)), item.stat().st_size, item.stat().st_mtime_ns)
            for item in path.rglob("*")
            if item.is_file()
        )
    except FileNotFoundError:
        # A file went while the others were looked at.
        return None
    names = {name for name, _, _ in files}
    if "saved_model.pb" not in names or _missing_shards(names):
        return None
    return tuple(files)


def _missing_shards(names) -> bool:
    index = "variables/variables.index" in names
    shards = [match for name in names if (match := _SHARD.fullmatch(name))]
    if not index:
        return bool(shards)
    expected = max((int(match[3]) for match in shards), default=1)
    return len({match[2] for match in shards}) < expected
