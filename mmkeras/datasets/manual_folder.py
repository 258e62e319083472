"""Steps of builders that read packages which a user has unpacked into a folder."""

from __future__ import annotations

import hashlib
import os
import pathlib
import warnings
from collections.abc import Callable

_SPLITS = ("train",) * 8 + ("validation", "test")


def require_folders(
    folder: str | os.PathLike, parts: tuple[str, ...], remedy: str
) -> tuple[pathlib.Path, ...]:
    """Return the paths of folders inside of `manual_dir`, which must exist.

    Args:
        folder: path, the `manual_dir` of the user.
        parts: tuple of strings, paths relative to `folder`.
        remedy: string, instructions that are part of the error.

    Returns:
        Tuple of `pathlib.Path`, one for each part.

    Raises:
        FileNotFoundError: if a part does not exist or is not a folder.
    """
    paths = tuple(pathlib.Path(folder) / part for part in parts)
    missing = [
        part for part, path in zip(parts, paths, strict=True) if not path.is_dir()
    ]
    if missing:
        raise FileNotFoundError(f"{folder} has no {' and no '.join(missing)}. {remedy}")
    return paths


def split_by_hash(
    rows: list[dict], group: Callable[[dict], str]
) -> dict[str, list[dict]]:
    """Split rows into `train` (8 of 10), `validation` and `test`, deterministically.

    The split of a row does not depend on the other rows.

    Args:
        rows: list of dicts.
        group: callable from a row to a string. Rows of the same string are in the same
            split.

    Returns:
        Dict from the name of a split to its rows, in their order. Empty splits are
        omitted.
    """
    parts: dict[str, list[dict]] = {split: [] for split in dict.fromkeys(_SPLITS)}
    for row in rows:
        digest = hashlib.sha256(group(row).encode()).digest()
        parts[_SPLITS[int.from_bytes(digest[:8], "big") % len(_SPLITS)]].append(row)
    return {split: part for split, part in parts.items() if part}


def report_skipped(dataset: str, reasons: dict[str, str], remaining: int) -> None:
    """Warn of the images of a folder that were skipped.

    Args:
        dataset: string, name of the dataset.
        reasons: dict from the path of a skipped image to the reason.
        remaining: int, number of images that were not skipped.

    Raises:
        ValueError: if no image remains.
    """
    if not reasons and remaining:
        return
    if not reasons:
        raise ValueError(
            f"{dataset}: the folder has no images for this variant. Unpack the "
            "packages again, or choose another variant."
        )
    named = "; ".join(f"{path} ({why})" for path, why in list(reasons.items())[:3])
    more = f"; and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    message = f"{dataset}: {len(reasons)} images cannot be read: {named}{more}."
    if not remaining:
        raise ValueError(f"{message} None remains. Unpack the packages again.")
    warnings.warn(f"{message} They were skipped; {remaining} remain.", stacklevel=2)
