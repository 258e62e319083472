from __future__ import annotations

from collections.abc import Collection


def require_columns(
    columns: dict[str, str], found: Collection[str], place: object
) -> None:
    """Refuses a table, or a row, without a column that is needed.

    Args:
        columns: dict from the argument that names a column to its name.
        found: names of the columns that there are.
        place: what is called by it in the error.

    Raises:
        ValueError: if one is missing.
    """
    missing = [column for column in columns.values() if column not in found]
    if missing:
        arguments = " and ".join(f"`{name}=`" for name in columns)
        raise ValueError(
            f"{place} has no column {missing[0]!r}; it has {list(found)}. Rename one, "
            f"or say which is which with {arguments}."
        )
