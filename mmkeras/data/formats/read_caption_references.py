from __future__ import annotations

import json
import os
import pathlib
from collections import Counter
from collections.abc import Hashable


def read_caption_references(path: str | os.PathLike) -> dict[Hashable, list[str]]:
    """References from a JSON in the format of COCO's caption annotations.

    Args:
        path: of the JSON: `{"images": [{"id": ...}], "annotations": [{"image_id": ...,
            "caption": ...}]}`.

    Returns:
        Dict from the id of an image to its captions, in the order of the images.

    Raises:
        FileNotFoundError: if the file is not there.
        ValueError: if the file is not of this form, an id stands twice, or an image has
            no caption or an empty one.
    """
    path = pathlib.Path(path)
    try:
        data = json.loads(path.read_text("utf-8"))
        ids = [image["id"] for image in data["images"]]
        notes = [(note["image_id"], note["caption"]) for note in data["annotations"]]
    except (KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{path} is not a file of COCO's captions: it must have 'images' "
            "with 'id', and 'annotations' with 'image_id' and 'caption'. "
            f"({type(error).__name__}: {error})"
        ) from error
    captions: dict[Hashable, list[str]] = {image_id: [] for image_id in ids}
    if len(captions) < len(ids):
        twice = Counter(ids).most_common(1)[0][0]
        raise ValueError(f"{path} has the image id {twice!r} twice.")
    for image_id, caption in notes:
        if image_id not in captions:
            raise ValueError(
                f"{path} has a caption of image {image_id!r}, unknown to it."
            )
        if not isinstance(caption, str) or not caption.strip():
            raise ValueError(
                f"{path}: a caption of image {image_id!r} is empty or not a string: "
                f"{caption!r}."
            )
        captions[image_id].append(caption)
    bare = [image_id for image_id, texts in captions.items() if not texts]
    if bare:
        raise ValueError(
            f"{path}: {len(bare)} images have no caption, first {bare[0]!r}."
        )
    return captions
