from __future__ import annotations

import io
import json
import os
import pathlib
from collections.abc import Iterator

import tensorflow as tf

from mmkeras.data.formats.csv_rows import csv_rows
from mmkeras.data.formats.read_text import read_text
from mmkeras.data.formats.require_columns import require_columns
from mmkeras.data.sources.captioned_images import CaptionedImages
from mmkeras.data.sources.image_path import image_path
from mmkeras.runtime.read_image import IMAGE_ENDINGS

_TABLES = ("captions.csv", "captions.jsonl")


def from_folder(
    directory: str | os.PathLike,
    captions: str | os.PathLike | None = None,
    image_column: str = "image",
    caption_column: str = "caption",
    validation_fraction: float | None = None,
    seed: int = 0,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """A dataset of pictures with captions in a folder of one's own.

    The captions are in a table (CSV, or JSON lines) with a column for the picture,
    as a path from the folder, and one for the caption; a picture with several
    captions has several rows. Or they are in `name.txt` beside `name.jpg`, one
    caption a line.

    Args:
        directory: folder of the pictures (JPEG, PNG, GIF, still WebP).
        captions: path of the table, `.csv` or `.jsonl`; `None` for
            `captions.csv` or `captions.jsonl` in the folder or, if there is
            none, for text files beside the pictures.
        image_column: string, name of the column of pictures.
        caption_column: string, name of the column of captions.
        validation_fraction: float, share of the pictures in a second dataset,
            or `None` for one dataset only.
        seed: int, of the split.

    Returns:
        An unbatched `tf.data.Dataset` of dicts `image` (string, encoded bytes),
        `image_id` (string, the path from the folder) and `captions` (string
        `[number]`), or two of them. Pictures are read as they are needed.

    Raises:
        FileNotFoundError: if the folder, the table or a picture is not there.
        ValueError: if a column is missing, a caption is empty, a row stands
            twice, a picture has no text file or shares one, or nothing is left to
            use.

    Example:
        ```python
        train, validation = mmkeras.data.from_folder(
            "photos", validation_fraction=0.1)
        ```
    """
    folder = pathlib.Path(directory)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}.")
    table = _find_table(folder, captions)
    if table is None:
        images = _read_text_files(folder)
    else:
        images = _read_table(folder, table, image_column, caption_column)
    return images.datasets(validation_fraction, seed)


def _find_table(folder, captions) -> pathlib.Path | None:
    if captions is not None:
        path = pathlib.Path(captions)
        if not path.is_file():
            raise FileNotFoundError(f"There is no table of captions {path}.")
        return path
    found = [folder / name for name in _TABLES if (folder / name).is_file()]
    if len(found) > 1:
        raise ValueError(
            f"{folder} has both {' and '.join(_TABLES)}. Say which with `captions=`."
        )
    return found[0] if found else None


def _read_table(folder, table, image_column, caption_column) -> CaptionedImages:
    captions: dict[str, list[str]] = {}
    paths: dict[str, pathlib.Path] = {}
    columns = {"image_column": image_column, "caption_column": caption_column}
    for place, row in _rows(table, columns):
        name = str(row[image_column]).strip()
        caption = str(row[caption_column] or "").strip()
        if not caption:
            raise ValueError(
                f"{place} has an empty caption for {name!r}. Write one, or delete "
                "the row."
            )
        image_id, path = image_path(folder, name, place)
        if caption in captions.setdefault(image_id, []):
            raise ValueError(
                f"{place} says again what an earlier row says of {name!r}: "
                f"{caption!r}. Delete one of them."
            )
        captions[image_id].append(caption)
        paths[image_id] = path
    if not captions:
        raise ValueError(f"{table} has no rows, so there is nothing to train on.")
    return CaptionedImages(list(paths), list(paths.values()), list(captions.values()))


def _rows(table: pathlib.Path, columns) -> Iterator[tuple[str, dict]]:
    readers = {".csv": csv_rows, ".jsonl": _jsonl_rows}
    if table.suffix not in readers:
        raise ValueError(f"{table} must end in .csv or .jsonl, and be one of these.")
    yield from readers[table.suffix](table, columns)


def _jsonl_rows(table, columns):
    for number, line in enumerate(io.StringIO(read_text(table)), start=1):
        if not line.strip():
            continue
        place = f"{table}, line {number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{place} is not JSON: {error}.") from error
        if not isinstance(row, dict):
            raise ValueError(f"{place} is not a JSON object.")
        require_columns(columns, row, place)
        for column in columns.values():
            if not isinstance(row[column], str):
                raise ValueError(
                    f"{place} has {row[column]!r} as {column!r}, which must be a "
                    "string. Give a picture with several captions several rows."
                )
        yield place, row


def _read_text_files(folder: pathlib.Path) -> CaptionedImages:
    images, bare, described = CaptionedImages(), [], {}
    for path in sorted(folder.rglob("*")):
        # macOS leaves hidden companions ("._cat.jpg") of pictures on other disks.
        hidden = path.name.startswith(".") or not path.is_file()
        if path.suffix.lower() not in IMAGE_ENDINGS or hidden:
            continue
        text = path.with_suffix(".txt")
        if not text.is_file():
            bare.append(path.relative_to(folder).as_posix())
            continue
        if text in described:
            raise ValueError(
                f"{text} stands beside both {described[text].name} and {path.name}. "
                "Rename one of these pictures, and give it a text of its own."
            )
        described[text] = path
        lines = read_text(text).splitlines()
        captions = [line.strip() for line in lines if line.strip()]
        if not captions:
            raise ValueError(f"{text} is empty. Write a caption, or delete the file.")
        images.add(path.relative_to(folder).as_posix(), path, captions)
    if not images.ids:
        raise ValueError(
            f"{folder} has no captions: neither {' nor '.join(_TABLES)} nor text files "
            "beside its pictures (name.txt beside name.jpg)."
        )
    if bare:
        more = f" and {len(bare) - 3} more" if len(bare) > 3 else ""
        raise ValueError(
            f"{folder} has pictures without a text file: {', '.join(bare[:3])}{more}. "
            "Write a .txt of the same name beside each, or move them elsewhere."
        )
    return images
