from __future__ import annotations

import hashlib
from collections.abc import Callable

_SPLITS = ("train",) * 8 + ("validation", "test")


def split_by_hash(
    rows: list[dict], group: Callable[[dict], str]
) -> dict[str, list[dict]]:
    """Rows in `train` (8 of 10), `validation` and `test`, the same every time.

    A row keeps its split whatever else is in the folder.

    Args:
        rows: list of dicts.
        group: callable from a row to a string. Rows of one string stay together.

    Returns:
        dict from the name of a split to its rows, in their order. A split that
        would be empty, as of a few rows, is not there.
    """
    parts: dict[str, list[dict]] = {split: [] for split in dict.fromkeys(_SPLITS)}
    for row in rows:
        digest = hashlib.sha256(group(row).encode()).digest()
        parts[_SPLITS[int.from_bytes(digest[:8], "big") % len(_SPLITS)]].append(row)
    return {split: part for split, part in parts.items() if part}
