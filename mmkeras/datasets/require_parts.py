from __future__ import annotations

import os
import pathlib


def require_parts(
    folder: str | os.PathLike, parts: tuple[str, ...], remedy: str
) -> tuple[pathlib.Path, ...]:
    """The folders that a dataset reads, inside the one that the user named.

    Args:
        folder: what was given as `manual_dir=`.
        parts: tuple of strings, paths from there.
        remedy: string, how the parts come there.

    Returns:
        tuple of `pathlib.Path`, one a part.

    Raises:
        FileNotFoundError: if a part is not there, or not a folder.
    """
    paths = tuple(pathlib.Path(folder) / part for part in parts)
    missing = [
        part for part, path in zip(parts, paths, strict=True) if not path.is_dir()
    ]
    if missing:
        raise FileNotFoundError(f"{folder} has no {' and no '.join(missing)}. {remedy}")
    return paths
