"""Tables: CSV with a header, and JSON lines."""

from __future__ import annotations

import csv
import io
import json
import os
import pathlib
from collections.abc import Collection, Iterator

from mmkeras.data.formats.read_text import read_text


def read_csv(
    path: str | os.PathLike, columns: dict[str, str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Reads a CSV file with a header.

    Args:
        path: path of the file, in UTF-8.
        columns: dict from an argument to the name of the required column that it
            gives, for the error.

    Yields:
        The place of the row (`"table.csv, line 7"`), and a dict of its cells by
        column.

    Raises:
        FileNotFoundError: if the file does not exist.
        IsADirectoryError: if it is a folder.
        ValueError: if it is not UTF-8, its columns are not separated by commas, a
            column is missing or duplicated, or a row has more or fewer cells than the
            header.
    """
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    try:
        header = reader.fieldnames or []
        _check_header(header, path)
        _require_columns(columns, header, path)
        for row in reader:
            place = f"{path}, line {reader.line_num}"
            if None in row or None in row.values():
                raise ValueError(
                    f"{place} does not have the {len(header)} columns of the header. "
                    "Put a text with commas in double quotes."
                )
            yield place, row
    except csv.Error as error:
        raise ValueError(
            f"{path} is not CSV after line {reader.line_num}: {error}. Is there a "
            "double quote that is not closed?"
        ) from error


def read_json_lines(
    path: str | os.PathLike, columns: dict[str, str]
) -> Iterator[tuple[str, dict]]:
    """Reads a file of JSON lines, one object a line.

    Args:
        path: path of the file, in UTF-8. Blank lines are ignored.
        columns: dict from an argument to the name of the required key that it gives,
            for the error.

    Yields:
        The place of the row (`"table.jsonl, line 7"`), and the object, a dict.

    Raises:
        FileNotFoundError: if the file does not exist.
        IsADirectoryError: if it is a folder.
        ValueError: if it is not UTF-8, a line is not a JSON object, or a key is
            missing.
    """
    for number, line in enumerate(io.StringIO(read_text(path)), start=1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ValueError(f"{place} is not JSON: {error}.") from error
        if not isinstance(row, dict):
            raise ValueError(f"{place} is not a JSON object.")
        _require_columns(columns, row, place)
        yield place, row


_READERS = {".csv": read_csv, ".jsonl": read_json_lines}


def read_table(
    path: str | os.PathLike, columns: dict[str, str]
) -> Iterator[tuple[str, dict]]:
    """Reads a table, CSV or JSON lines by the ending of its name.

    Args:
        path: path of the table, `.csv` or `.jsonl`.
        columns: dict from an argument to the name of the required column that it
            gives, for the error.

    Yields:
        The place of the row, and a dict of its values by column.

    Raises:
        FileNotFoundError: if the file does not exist.
        IsADirectoryError: if it is a folder.
        ValueError: if the name has another ending, or the file is not a table.
    """
    ending = pathlib.Path(path).suffix.lower()
    if ending not in _READERS and not pathlib.Path(path).is_dir():
        raise ValueError(f"{path} must end in .csv or .jsonl, and be one of these.")
    yield from _READERS.get(ending, read_csv)(path, columns)


def _require_columns(columns: dict[str, str], found: Collection[str], place) -> None:
    missing = [column for column in columns.values() if column not in found]
    if missing:
        arguments = " and ".join(f"`{name}=`" for name in columns)
        raise ValueError(
            f"{place} has no column {missing[0]!r}; it has {list(found)}. Rename one, "
            f"or say which is which with {arguments}."
        )


def _check_header(header, path) -> None:
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and separator in header[0]:
            raise ValueError(
                f"{path} has {name} between its columns, which must be commas. Save "
                f"it as CSV with commas. Its first line is {header[0]!r}."
            )
    # Spreadsheets write empty names for columns that are empty.
    doubled = sorted({name for name in header if name and header.count(name) > 1})
    if doubled:
        raise ValueError(
            f"{path} has the column {doubled[0]!r} {header.count(doubled[0])} times. "
            "Rename or delete the others."
        )
