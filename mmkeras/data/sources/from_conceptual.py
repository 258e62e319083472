from __future__ import annotations

import itertools
import os
import pathlib
import warnings

import tensorflow as tf

from mmkeras.data.formats import ConceptualRow, read_conceptual
from mmkeras.data.formats.conceptual import read_image_url
from mmkeras.data.sources.image_table import ImageTable

# Defaults of img2dataset: images in a folder, digits of the name of the folder, and
# digits of the number of an image in it.
_IN_FOLDER, _FOLDER_DIGITS, _IMAGE_DIGITS = 10_000, 5, 4


def from_conceptual(
    table: str | os.PathLike,
    images: str | os.PathLike,
    validation_fraction: float | None = None,
    seed: int = 0,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """Builds a dataset from Conceptual Captions and images that were downloaded before.

    The images are found where img2dataset writes them: row 12,345 of the table, counted
    from 0 and without a header, is `00001/000012345.jpg`. Nothing is downloaded. A
    folder with `caption.txt` beside `image.jpg`, which img2dataset writes too, can be
    read by `from_folder` without the table.

    Args:
        table: path of `Train_GCC-training.tsv` or
            `Validation_GCC-1.1.0-Validation.tsv` (caption, a tab, the address), with
            or without the header `caption`, tab, `url` that img2dataset requires.
        images: folder that img2dataset wrote with `--output_format files` and its
            default `number_sample_per_shard` (10,000) and `encode_format` (jpg).
        validation_fraction: float, the fraction of the images in a second dataset, or
            `None` for one dataset.
        seed: int, the seed of the split.

    Returns:
        An unbatched `tf.data.Dataset` of dicts `image` (string, encoded bytes),
        `image_id` (string, `"000012345"`) and `captions` (string `[1]`), in the order
        of the table, or two of them. Images are read lazily. Images that do not exist,
        as they could not be downloaded, are skipped, with a warning that counts them.

    Raises:
        FileNotFoundError: if the table, the folder or all images do not exist.
        ValueError: if a row does not have this form, a caption is empty, or the first
            image of a folder was downloaded from another address than its row has,
            according to its `.json`.

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
    rows = read_conceptual(path)
    found = _find(rows, folder)
    if not found.ids:
        raise FileNotFoundError(
            f"{folder} has none of the {len(rows)} images of {path}. The first would "
            f"be {folder / '00000' / '000000000.jpg'}, as img2dataset writes it with "
            "--output_format files."
        )
    missing = len(rows) - len(found.ids)
    if missing:
        warnings.warn(
            f"{missing} of {len(rows)} images of {path} are not in {folder} and are "
            "skipped.",
            stacklevel=2,
        )
    return found.datasets(validation_fraction, seed)


def _find(rows: list[ConceptualRow], folder: pathlib.Path) -> ImageTable:
    found = ImageTable([], [], {"captions": []})
    numbered = enumerate(rows)
    for shard, part in itertools.groupby(numbered, lambda row: row[0] // _IN_FOLDER):
        place = folder / f"{shard:0{_FOLDER_DIGITS}d}"
        # The folder is listed once instead of asking for each of millions of files.
        names = set(os.listdir(place)) if place.is_dir() else set()
        first = True
        for number, row in part:
            key = f"{place.name}{number % _IN_FOLDER:0{_IMAGE_DIGITS}d}"
            if f"{key}.jpg" not in names:
                continue
            if first and f"{key}.json" in names:
                _check_url(place / f"{key}.json", row)
            first = False
            found.ids.append(key)
            found.paths.append(place / f"{key}.jpg")
            found.columns["captions"].append([row.caption.strip()])
    return found


def _check_url(path: pathlib.Path, row: ConceptualRow) -> None:
    downloaded = read_image_url(path)
    if downloaded != row.url:
        raise ValueError(
            f"{row.place} has the address {row.url}, and {path} was downloaded from "
            f"{downloaded}: these images are of another table, or were not written "
            f"with {_IN_FOLDER} to a folder (--number_sample_per_shard)."
        )
