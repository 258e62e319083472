from __future__ import annotations

import itertools
import json
import os
import pathlib
import warnings
from collections.abc import Iterator

import tensorflow as tf

from mmkeras.data.formats.read_text import read_text
from mmkeras.data.sources.captioned_images import CaptionedImages
from mmkeras.data.sources.check_caption import check_caption

# Of img2dataset, by default: pictures in a folder, digits of its name, and of the
# number of a picture in it.
_IN_FOLDER, _FOLDER_DIGITS, _PICTURE_DIGITS = 10_000, 5, 4


def from_conceptual(
    table: str | os.PathLike,
    images: str | os.PathLike,
    validation_fraction: float | None = None,
    seed: int = 0,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """A dataset from Conceptual Captions, its pictures downloaded before.

    The pictures are looked for where img2dataset writes them: row 12,345 of the
    table, counted from 0 and without a header, is `00001/000012345.jpg`. Nothing is
    downloaded here. From a folder with `caption.txt` beside `picture.jpg`, which
    img2dataset writes too, `from_folder` reads without the table.

    Args:
        table: path of `Train_GCC-training.tsv` or
            `Validation_GCC-1.1.0-Validation.tsv` (caption, a tab, the address), with
            or without the header `caption`, tab, `url` that img2dataset asks for.
        images: folder that img2dataset wrote with `--output_format files` and its own
            `number_sample_per_shard` (10,000) and `encode_format` (jpg).
        validation_fraction: float, share of the pictures in a second dataset,
            or `None` for one dataset only.
        seed: int, of the split.

    Returns:
        An unbatched `tf.data.Dataset` of dicts `image` (string, encoded bytes),
        `image_id` (string, `"000012345"`) and `captions` (string `[1]`), in the order
        of the table, or two of them. Pictures are read as they are needed. Those that
        are not there, as their address was dead, are left out, with a warning that
        says how many.

    Raises:
        FileNotFoundError: if the table or the folder is not there, or no picture is.
        ValueError: if a row is not of the form, a caption is empty, or the first
            picture of a folder is of another address than its row, as its `.json`
            says.

    Example:
        ```python
        # img2dataset --url_list Train_GCC-training.tsv --input_format tsv
        #   --url_col url --caption_col caption --output_format files
        #   --output_folder train
        train = mmkeras.data.from_conceptual("Train_GCC-training.tsv", "train")
        ```

    Reference:
        - [Sharma et al., 2018](https://aclanthology.org/P18-1238)
        - [img2dataset](https://github.com/rom1504/img2dataset)
    """
    path, folder = pathlib.Path(table), pathlib.Path(images)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}.")
    rows = list(_rows(path))
    found = _find(rows, folder, path)
    if not found.ids:
        raise FileNotFoundError(
            f"{folder} has none of the {len(rows)} pictures of {path}. The first would "
            f"be {folder / '00000' / '000000000.jpg'}; img2dataset writes them so with "
            "--output_format files."
        )
    missing = len(rows) - len(found.ids)
    if missing:
        warnings.warn(
            f"{missing} of {len(rows)} pictures of {path} are not in {folder} and are "
            "left out.",
            stacklevel=2,
        )
    return found.datasets(validation_fraction, seed)


def _rows(path) -> Iterator[tuple[str, str, str]]:
    """Where each row stands, its caption and its address."""
    # Not `splitlines`, which also splits at characters that a caption may have.
    lines = read_text(path).split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip() or (number == 1 and line.split() == ["caption", "url"]):
            continue
        place = f"{path}, line {number}"
        parts = line.split("\t")
        if len(parts) != 2:
            raise ValueError(
                f"{place} must be a caption, a tab and an address. It is "
                f"{line.strip()[:60]!r}."
            )
        yield place, check_caption(parts[0], place), parts[1].strip()


def _find(rows, folder, path) -> CaptionedImages:
    found = CaptionedImages()
    numbered = enumerate(rows)
    for shard, part in itertools.groupby(numbered, lambda row: row[0] // _IN_FOLDER):
        place = folder / f"{shard:0{_FOLDER_DIGITS}d}"
        # One look at the folder instead of one for each of millions of files.
        there = set(os.listdir(place)) if place.is_dir() else set()
        first = True
        for number, (line, caption, address) in part:
            key = f"{place.name}{number % _IN_FOLDER:0{_PICTURE_DIGITS}d}"
            if f"{key}.jpg" not in there:
                continue
            if first and f"{key}.json" in there:
                _check_address(place / f"{key}.json", address, line)
            first = False
            found.add(key, place / f"{key}.jpg", [caption])
    return found


def _check_address(path, address, line) -> None:
    try:
        downloaded = json.loads(read_text(path))["url"]
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{path} is not what img2dataset writes beside a picture: "
            f"{type(error).__name__}: {error}."
        ) from error
    if downloaded != address:
        raise ValueError(
            f"{line} has the address {address}, and {path} was downloaded from "
            f"{downloaded}: these pictures are of another table, or were not written "
            f"with {_IN_FOLDER} to a folder (--number_sample_per_shard)."
        )
