from __future__ import annotations

import csv
import io
import pathlib
from collections.abc import Iterator

from mmkeras.data.formats.read_text import read_text
from mmkeras.data.formats.require_columns import require_columns


def csv_rows(
    table: pathlib.Path, columns: dict[str, str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a CSV file with a header, and where each stands.

    Args:
        table: path of the file, in UTF-8.
        columns: dict from the argument that names a column to its name, of those that
            must be there.

    Yields:
        Where the row ends (`"table.csv, line 7"`), and a dict of its cells by column.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not in UTF-8, its columns are not separated by commas, one
            is missing or there twice, or a row has more or fewer cells than the header.
    """
    reader = csv.DictReader(io.StringIO(read_text(table), newline=""))
    header = reader.fieldnames or []
    _check_header(header, table)
    require_columns(columns, header, table)
    try:
        for row in reader:
            place = f"{table}, line {reader.line_num}"
            if None in row or None in row.values():
                raise ValueError(
                    f"{place} does not have the {len(header)} columns of "
                    "the header. Put a text with commas in double quotes."
                )
            yield place, row
    except csv.Error as error:
        raise ValueError(
            f"{table} is not CSV after line {reader.line_num}: {error}. Is there a "
            "double quote that is not closed?"
        ) from error


def _check_header(header, table) -> None:
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and separator in header[0]:
            raise ValueError(
                f"{table} has {name} between its columns, which must be commas. Save "
                f"it as CSV with commas. Its first line is {header[0]!r}."
            )
    # Spreadsheets write empty names for columns that are empty.
    doubled = sorted({name for name in header if name and header.count(name) > 1})
    if doubled:
        raise ValueError(
            f"{table} has the column {doubled[0]!r} {header.count(doubled[0])} times. "
            "Rename or delete the others."
        )
