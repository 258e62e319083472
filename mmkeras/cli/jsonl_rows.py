from __future__ import annotations

import json
import os
import pathlib


class JSONLRows:
    """A growing file of JSON lines, which a restarted command resumes.

    Args:
        path: path of the file. An incomplete last line is removed.
        key: string, the first field of each row, which identifies it.

    Attributes:
        done: set of the values of `key` in the existing rows.

    Raises:
        ValueError: if the file has other contents.
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
        """Read the existing rows, and return where the last complete one ends."""
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
                        f"{self._path}, line {number} is not a row of predictions. "
                        "Choose another --output, or remove the file."
                    ) from error
                self.done.add(name)
                end += len(line)
        return end

    def write(self, row: dict) -> None:
        """Append a row."""
        self._file.write((json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8"))

    def flush(self) -> None:
        """Write the rows so far to disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Flush and close the file."""
        self.flush()
        self._file.close()


def _beginning(key) -> bytes:
    return f'{{"{key}": '.encode()
