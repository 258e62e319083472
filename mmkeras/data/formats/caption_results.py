"""COCO's format of results: generated captions."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Hashable, Mapping

from mmkeras.data.formats.identifiers import read_id, written_id
from mmkeras.data.formats.read_json import read_json_rows, require_keys

_FORM = "a list of objects with 'image_id' and 'caption', as in COCO's results"


def read_caption_results(path: str | os.PathLike) -> dict[Hashable, str]:
    """Reads captions in the format of COCO's results.

    Args:
        path: path of the JSON: `[{"image_id": ..., "caption": ...}]`.

    Returns:
        Dict from image id (int or string, as it is written) to its caption, which may
        be empty.

    Raises:
        FileNotFoundError: if the file does not exist.
        IsADirectoryError: if it is a folder.
        ValueError: if the file does not have this form, an id is duplicated or not an
            integer or a string, or a caption is not a string.
    """
    captions: dict[Hashable, str] = {}
    seen: set[str] = set()
    for number, row in enumerate(read_json_rows(path, None, _FORM)[0]):
        place = f"{path}, row {number}"
        require_keys(row, ("image_id", "caption"), place)
        image_id, caption = read_id(row, "image_id", place), row["caption"]
        if str(image_id) in seen:
            raise ValueError(
                f"{place} is a second caption of image {image_id!r}. Delete one of "
                "them."
            )
        seen.add(str(image_id))
        if not isinstance(caption, str):
            raise ValueError(
                f"{place}: the caption of image {image_id!r} is not a string: "
                f"{caption!r}."
            )
        captions[image_id] = caption
    return captions


def write_caption_results(
    captions: Mapping[Hashable, str], path: str | os.PathLike
) -> None:
    """Writes captions in the format of COCO's results, for its evaluation server.

    Args:
        captions: dict from image id, an int or a string, to its caption. COCO's ids
            are ints.
        path: path of the JSON to write.

    Raises:
        ValueError: if an id is neither an integer nor a string.
    """
    results = [
        {"image_id": written_id(image_id, "image_id"), "caption": caption}
        for image_id, caption in captions.items()
    ]
    text = json.dumps(results, ensure_ascii=False) + "\n"
    pathlib.Path(path).write_text(text, "utf-8")
