from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Hashable


def read_caption_results(path: str | os.PathLike) -> dict[Hashable, str]:
    """Captions from a JSON in the format of COCO's results.

    Args:
        path: of the JSON: `[{"image_id": ..., "caption": ...}]`.

    Returns:
        Dict from the id of an image to its caption.

    Raises:
        FileNotFoundError: if the file is not there.
        ValueError: if the file is not of this form, an id stands twice, or a caption is
            not a string.
    """
    path = pathlib.Path(path)
    try:
        data = json.loads(path.read_text("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(data, list):
        raise ValueError(
            f"{path} must be a list of {{'image_id': ..., 'caption': ...}}. Found: "
            f"{type(data).__name__}."
        )
    captions: dict[Hashable, str] = {}
    for row, result in enumerate(data):
        image_id, caption = _fields(path, row, result)
        if image_id in captions:
            raise ValueError(
                f"{path} has two captions of image {image_id!r} (row {row})."
            )
        captions[image_id] = caption
    return captions


def _fields(path, row, result) -> tuple[Hashable, str]:
    if not isinstance(result, dict) or not {"image_id", "caption"} <= set(result):
        raise ValueError(
            f"{path}, row {row}, must have 'image_id' and 'caption'. Found: {result!r}."
        )
    image_id, caption = result["image_id"], result["caption"]
    if not isinstance(image_id, (int, str)):
        raise ValueError(
            f"{path}, row {row}: 'image_id' must be a number or a string: {image_id!r}."
        )
    if not isinstance(caption, str):
        raise ValueError(
            f"{path}, row {row}: the caption of image {image_id!r} is not a string: "
            f"{caption!r}."
        )
    return image_id, caption
