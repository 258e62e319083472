"""The JSON of the Karpathy split."""

from __future__ import annotations

import os
import pathlib
from typing import NamedTuple

from mmkeras.data.formats.check_caption import check_caption
from mmkeras.data.formats.identifiers import read_id
from mmkeras.data.formats.read_json import read_json_rows, require_keys

_FORM = (
    "an object with 'images', a list of objects with 'filename', 'split' and "
    "'sentences', a list of objects with 'raw', as in a file of the Karpathy split"
)


class KarpathyImage(NamedTuple):
    """An image of the Karpathy split.

    Attributes:
        image_id: string, the id in COCO or the file name.
        file_name: string, the path from the folder of images.
        split: string, e.g. `"train"` or `"restval"`.
        captions: list of strings, as they are written.
    """

    image_id: str
    file_name: str
    split: str
    captions: list[str]


def read_karpathy(path: str | os.PathLike) -> list[KarpathyImage]:
    """Reads the JSON of the Karpathy split of COCO, Flickr8k or Flickr30k.

    Args:
        path: path of `dataset_coco.json`, `dataset_flickr8k.json` or
            `dataset_flickr30k.json`.

    Returns:
        List of `KarpathyImage`, in the order of the file.

    Raises:
        FileNotFoundError: if the file does not exist.
        IsADirectoryError: if it is a folder.
        ValueError: if the file does not have this form, an image is duplicated, its
            id is not an integer or a string, or a caption is empty.

    Reference:
        - [Karpathy and Fei-Fei, 2015](https://arxiv.org/abs/1412.2306)
    """
    images: dict[str, KarpathyImage] = {}
    for number, entry in enumerate(read_json_rows(path, "images", _FORM)[0]):
        place = f"{path}, images[{number}]"
        image = _image(entry, place)
        if image.image_id in images:
            raise ValueError(
                f"{place}: the image {image.image_id} is duplicated. Delete one of "
                "them."
            )
        images[image.image_id] = image
    return list(images.values())


def _image(entry, place: str) -> KarpathyImage:
    require_keys(entry, ("filename", "split", "sentences"), place)
    name, split = (_string(entry, key, place) for key in ("filename", "split"))
    folder = _string(entry, "filepath", place) if "filepath" in entry else ""
    key = "cocoid" if "cocoid" in entry else "filename"
    image_id = str(read_id(entry, key, place))
    if not isinstance(entry["sentences"], list):
        raise ValueError(
            f"{place} has {entry['sentences']!r:.60} as 'sentences', which must be a "
            "list of objects with 'raw'."
        )
    captions = []
    for index, sentence in enumerate(entry["sentences"]):
        where = f"{place} (image {image_id})"
        require_keys(sentence, ("raw",), f"{where}, sentences[{index}]")
        captions.append(check_caption(sentence["raw"], where))
    file_name = (pathlib.PurePath(folder) / name).as_posix()
    return KarpathyImage(image_id, file_name, split, captions)


def _string(entry: dict, key: str, place: str) -> str:
    if not isinstance(entry[key], str):
        raise ValueError(
            f"{place} has {entry[key]!r} as {key!r}, which must be a string."
        )
    return entry[key]
