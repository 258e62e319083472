"""COCO's annotations of captions."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from mmkeras.data.formats.check_caption import check_caption
from mmkeras.data.formats.identifiers import read_id, written_id
from mmkeras.data.formats.read_json import describe, read_json_rows, require_keys

_FORM = (
    "an object with 'images', a list of objects with 'id', and 'annotations', a list "
    "of objects with 'image_id' and 'caption', as in COCO's caption annotations"
)


class CocoCaptions(NamedTuple):
    """Images and captions of a file of COCO's caption annotations.

    Attributes:
        captions: dict from image id (int or string, as it is written) to its captions,
            in the order of the images; an image without a caption has an empty list.
        file_names: dict from image id to the name of its file, of the images that
            have one.
    """

    captions: dict[Hashable, list[str]]
    file_names: dict[Hashable, str]


def read_coco_captions(path: str | os.PathLike) -> CocoCaptions:
    """Reads COCO's annotations of captions.

    Args:
        path: path of the JSON: `{"images": [{"id": ..., "file_name": ...}],
            "annotations": [{"image_id": ..., "caption": ...}]}`.

    Returns:
        `CocoCaptions`, with the captions as they are written.

    Raises:
        FileNotFoundError: if the file does not exist.
        IsADirectoryError: if it is a folder.
        ValueError: if the file does not have this form, an image id is duplicated
            or not an integer or a string, or a caption is empty, not a string, or of
            an unknown image.

    Reference:
        - [Chen et al., 2015](https://arxiv.org/abs/1504.00325)
    """
    images, data = read_json_rows(path, "images", _FORM)
    if not isinstance(data.get("annotations"), list):
        raise ValueError(f"{path} must be {_FORM}. Found: {describe(data)}.")
    content = CocoCaptions({}, {})
    seen: set[str] = set()
    for number, image in enumerate(images):
        place = f"{path}, images[{number}]"
        require_keys(image, ("id",), place)
        image_id = read_id(image, "id", place)
        # 7 and "7" are the same id wherever ids are strings.
        if str(image_id) in seen:
            raise ValueError(
                f"{place}: the image id {image_id!r} is duplicated. Delete one of them."
            )
        seen.add(str(image_id))
        content.captions[image_id] = []
        if "file_name" in image:
            content.file_names[image_id] = _file_name(image, place)
    for number, note in enumerate(data["annotations"]):
        place = f"{path}, annotations[{number}]"
        require_keys(note, ("image_id", "caption"), place)
        image_id = read_id(note, "image_id", place)
        if image_id not in content.captions:
            raise ValueError(
                f"{place} has a caption of image {image_id!r}, which is not among the "
                "'images'. Add the image, or delete the caption."
            )
        caption = check_caption(note["caption"], f"{place} (image {image_id!r})")
        content.captions[image_id].append(caption)
    return content


def read_caption_references(path: str | os.PathLike) -> dict[Hashable, list[str]]:
    """Reads the references of an evaluation from COCO's annotations of captions.

    Args:
        path: path of the JSON, as `read_coco_captions` reads it.

    Returns:
        Dict from image id to its captions, in the order of the images.

    Raises:
        FileNotFoundError: if the file does not exist.
        IsADirectoryError: if it is a folder.
        ValueError: as `read_coco_captions`, or if an image has no caption.
    """
    captions = read_coco_captions(path).captions
    bare = [image_id for image_id, texts in captions.items() if not texts]
    if bare:
        raise ValueError(
            f"{path}: {len(bare)} images have no caption, first {bare[0]!r}. Write "
            "captions for them, or delete the images."
        )
    return captions


def write_caption_references(
    captions: Mapping[Hashable, Sequence[str]], path: str | os.PathLike
) -> None:
    """Writes captions in the format of COCO's annotations.

    Args:
        captions: dict from image id, an int or a string, to its captions.
        path: path of the JSON to write.

    Raises:
        ValueError: if an id is neither an integer nor a string.
    """
    ids = {image_id: written_id(image_id, "image_id") for image_id in captions}
    pairs = [(ids[name], text) for name, texts in captions.items() for text in texts]
    content = {
        # Required by scorers built on pycocotools.
        "info": {},
        "licenses": [],
        "type": "captions",
        "images": [{"id": image_id} for image_id in ids.values()],
        "annotations": [
            {"id": number, "image_id": image_id, "caption": text}
            for number, (image_id, text) in enumerate(pairs)
        ],
    }
    text = json.dumps(content, ensure_ascii=False) + "\n"
    pathlib.Path(path).write_text(text, "utf-8")


def _file_name(image: dict, place: str) -> str:
    name = image["file_name"]
    if not isinstance(name, str) or not name.strip():
        raise ValueError(
            f"{place} has {name!r} as 'file_name', which must be a string and not "
            "empty."
        )
    return name
