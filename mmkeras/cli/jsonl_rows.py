from __future__ import annotations

import json
import os
import pathlib


class JSONLRows:
    """A file of JSON lines that grows, and goes on where it was left.

    Args:
        path: path of the file. What a crash left of a last line is cut off.
        key: string, the field by which a row is known.

    Attributes:
        done: set of what the rows there have in `key`, which stands first in each.

    Raises:
        ValueError: if the file holds something else than such rows.
    """

    def __init__(self, path: str | os.PathLike, key: str):
        self._path = pathlib.Path(path)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self.done = set()
        end = 0
        if self._path.is_file():
            end = self._read(key)
        self._file = open(self._path, "r+b" if end else "wb")
        self._file.truncate(end)
        self._file.seek(end)

    def _read(self, key) -> int:
        """Where the last whole row ends; what is `done` is found on the way."""
        end = 0
        with open(self._path, "rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n") and line.startswith(_beginning(key)):
                    break
                try:
                    row = json.loads(line)
                    name = row[key]
                except (ValueError, KeyError, TypeError) as error:
                    raise ValueError(
                        f"{self._path}, line {number} is no row of captions. Choose "
                        "another --output, or remove the file."
                    ) from error
                self.done.add(name)
                end += len(line)
        return end

    def write(self, row: dict) -> None:
        """Adds a row."""
        self._file.write((json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8"))

    def flush(self) -> None:
        """Makes sure that what was added so far is not lost."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Ends the file."""
        self.flush()
        self._file.close()


def _beginning(key) -> bytes:
    return f'{{"{key}": '.encode()
