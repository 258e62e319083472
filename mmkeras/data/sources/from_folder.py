from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Mapping

import tensorflow as tf

from mmkeras.data.formats import IMAGE_ENDINGS, read_table
from mmkeras.data.formats.read_text import read_text
from mmkeras.data.sources.image_path import image_path
from mmkeras.data.sources.image_table import ImageTable

_TABLES = ("captions.csv", "captions.jsonl")
_RESERVED = ("image", "image_id")


def from_folder(
    directory: str | os.PathLike,
    table: str | os.PathLike | None = None,
    columns: Mapping[str, str] | None = None,
    separators: Mapping[str, str] | None = None,
    image_column: str = "image",
    caption_column: str = "caption",
    validation_fraction: float | None = None,
    seed: int = 0,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """Builds a dataset of the images in a folder, with captions or other texts.

    The texts are in a table (CSV, or JSON lines) with a column for the image, as a path
    from the folder, and one for the caption; an image with several captions has several
    rows. Or the captions are in `name.txt` beside `name.jpg`, one caption a line. With
    `columns`, any other texts of a table are read in place of captions: titles, tags,
    class names.

    Args:
        directory: folder of the images (JPEG, PNG, GIF, still WebP).
        table: path of the table, `.csv` or `.jsonl`; `None` for `captions.csv` or
            `captions.jsonl` in the folder or, if neither exists, for text files beside
            the images.
        columns: dict from a key of the samples to the column of the table that it is
            read from, e.g. `{"tags": "tags"}`; `None` for the captions,
            `{"captions": caption_column}`.
        separators: dict from a key of `columns` to a string of the characters that
            separate the values of one cell, e.g. `{"tags": " ;"}` for cells such as
            `"cute;small cat"`. Such a cell may be empty: the image then has no value
            of this key. Other cells are one value each, which must not be empty. In
            JSON lines a value may also be a list of strings.
        image_column: string, name of the column of images.
        caption_column: string, name of the column of captions.
        validation_fraction: float, the fraction of the images in a second dataset, or
            `None` for one dataset.
        seed: int, the seed of the split.

    Returns:
        An unbatched `tf.data.Dataset` of dicts `image` (string, encoded bytes),
        `image_id` (string, the path from the folder) and `captions` (string
        `[captions]`) or, for each key of `columns`, its values of all rows of the image
        (string `[values]`), without duplicates; or two such datasets. Images are read
        lazily.

    Raises:
        FileNotFoundError: if the folder, the table or an image does not exist.
        ValueError: if a column is missing, a value is empty, a row is duplicated, an
            image has no text file or shares one, or there are no samples.

    Example:
        ```python
        train, validation = mmkeras.data.from_folder(
            "photos", validation_fraction=0.1)

        tagged = mmkeras.data.from_folder(
            "photos", "photos/labels.csv", columns={"tags": "tags"},
            separators={"tags": " ;"})
        ```
    """
    folder = pathlib.Path(directory)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}.")
    separators = dict(separators or {})
    _check_columns(columns, separators)
    path = _find_table(folder, table)
    if path is not None:
        named = {"image_column": image_column}
        if columns is None:
            columns = {"captions": caption_column}
            named["caption_column"] = caption_column
        else:
            named |= {f'columns["{key}"]': name for key, name in columns.items()}
        images = _read_table(folder, path, image_column, columns, named, separators)
    elif columns is not None:
        raise FileNotFoundError(
            f"{folder} has neither {' nor '.join(_TABLES)}, of which to read the "
            f"columns {list(columns.values())}. Give the path of the table as `table`."
        )
    else:
        images = _read_text_files(folder)
    return images.datasets(validation_fraction, seed)


def open_captioned_folder(
    path: str,
    captions: str | None = None,
    validation_fraction: float | None = None,
    seed: int = 0,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """Opens a folder of images with captions for `open_samples`.

    Args:
        path: string, the folder.
        captions: string, path of the table, or `None` as in `from_folder`.
        validation_fraction: float, as in `from_folder`.
        seed: int, the seed of the split.
    """
    return from_folder(
        path, captions, validation_fraction=validation_fraction, seed=seed
    )


def _check_columns(columns, separators) -> None:
    if columns is None:
        columns = {"captions": ""}
    elif not isinstance(columns, Mapping) or not columns:
        raise ValueError(
            "`columns` must be a dict from keys of the samples to columns of the "
            f"table, e.g. {{'tags': 'tags'}}. Received: columns={columns!r}."
        )
    reserved = [key for key in columns if key in _RESERVED]
    if reserved:
        raise ValueError(
            f"The key {reserved[0]!r} of `columns` is that of the image itself. Choose "
            f"another. Received: columns={dict(columns)!r}."
        )
    for key, characters in separators.items():
        if key not in columns or not isinstance(characters, str) or not characters:
            raise ValueError(
                "`separators` must be a dict from keys of `columns` to strings of one "
                f"or more characters. Received: separators={separators!r}."
            )


def _find_table(folder, table) -> pathlib.Path | None:
    if table is not None:
        path = pathlib.Path(table)
        if not path.exists():
            raise FileNotFoundError(f"There is no table {path}.")
        return path
    found = [folder / name for name in _TABLES if (folder / name).is_file()]
    if len(found) > 1:
        raise ValueError(
            f"{folder} has both {' and '.join(_TABLES)}. Choose one with `table=`."
        )
    return found[0] if found else None


def _read_table(folder, table, image_column, columns, named, separators) -> ImageTable:
    paths: dict[str, pathlib.Path] = {}
    texts: dict[str, dict[str, list[str]]] = {}
    for place, row in read_table(table, named):
        name = _string(row, image_column, place).strip()
        values = {
            key: _values(row, column, place, name, separators.get(key))
            for key, column in columns.items()
        }
        image_id, path = image_path(folder, name, place)
        known = image_id in paths
        of_image = texts.setdefault(image_id, {key: [] for key in columns})
        if not _add(of_image, values) and known:
            raise ValueError(
                f"{place} repeats what earlier rows say of {name!r}: "
                f"{next(iter(values.values()))}. Delete one of them."
            )
        paths[image_id] = path
    if not paths:
        raise ValueError(f"{table} has no rows, so there is nothing to train on.")
    return ImageTable(
        list(paths),
        list(paths.values()),
        {key: [row[key] for row in texts.values()] for key in columns},
    )


def _add(of_image: dict[str, list[str]], values: dict[str, list[str]]) -> bool:
    """Adds the new values of a row, and tells whether there are any."""
    added = False
    for key, texts in values.items():
        for text in texts:
            if text not in of_image[key]:
                of_image[key].append(text)
                added = True
    return added


def _string(row: dict, column: str, place: str) -> str:
    if not isinstance(row[column], str):
        raise ValueError(
            f"{place} has {row[column]!r} as {column!r}, which must be a string."
        )
    return row[column]


def _values(row, column, place, name, separators) -> list[str]:
    cell = row[column]
    if isinstance(cell, list):
        values = [_string({column: value}, column, place).strip() for value in cell]
    else:
        text = _string(row, column, place).strip()
        if separators is None:
            values = [text]
        else:
            parts = re.split(f"[{re.escape(separators)}]", text)
            values = [part.strip() for part in parts if part.strip()]
    if "" in values or (not values and separators is None):
        raise ValueError(
            f"{place} has an empty {column!r} for {name!r}. Write one, or delete the "
            "row."
        )
    return values


def _read_text_files(folder: pathlib.Path) -> ImageTable:
    images, bare, described = ImageTable([], [], {"captions": []}), [], {}
    for path in sorted(folder.rglob("*")):
        # macOS leaves hidden companions ("._cat.jpg") of images on other disks.
        hidden = path.name.startswith(".") or not path.is_file()
        if path.suffix.lower() not in IMAGE_ENDINGS or hidden:
            continue
        text = path.with_suffix(".txt")
        if not text.is_file():
            bare.append(path.relative_to(folder).as_posix())
            continue
        if text in described:
            raise ValueError(
                f"{text} is beside both {described[text].name} and {path.name}. Rename "
                "one of these images, and write a text file for it."
            )
        described[text] = path
        lines = read_text(text).splitlines()
        captions = [line.strip() for line in lines if line.strip()]
        if not captions:
            raise ValueError(f"{text} is empty. Write a caption, or delete the file.")
        images.ids.append(path.relative_to(folder).as_posix())
        images.paths.append(path)
        images.columns["captions"].append(captions)
    if not images.ids:
        raise ValueError(
            f"{folder} has no captions: neither {' nor '.join(_TABLES)} nor text files "
            "beside its images (name.txt beside name.jpg)."
        )
    if bare:
        more = f" and {len(bare) - 3} more" if len(bare) > 3 else ""
        raise ValueError(
            f"{folder} has images without a text file: {', '.join(bare[:3])}{more}. "
            "Write a .txt of the same name beside each, or move them elsewhere."
        )
    return images
