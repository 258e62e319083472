from __future__ import annotations

import json
import os
import pathlib

import tensorflow as tf

from mmkeras.data.formats.read_text import read_text
from mmkeras.data.sources.check_caption import check_caption
from mmkeras.data.sources.collect_captioned import collect_captioned


def from_coco(
    captions: str | os.PathLike,
    images: str | os.PathLike,
    validation_fraction: float | None = None,
    seed: int = 0,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """A dataset from the official COCO captions JSON, and files like it.

    Args:
        captions: path of the JSON, e.g. `captions_val2017.json`.
        images: folder of the pictures that it names.
        validation_fraction: float, share of the pictures in a second dataset,
            or `None` for one dataset only.
        seed: int, of the split.

    Returns:
        An unbatched `tf.data.Dataset` of dicts `image` (string, encoded bytes),
        `image_id` (string) and `captions` (string `[number]`), in the order of
        the JSON, or two of them. Pictures are read as they are needed; those
        without a caption are left out, with a warning that says how many.

    Raises:
        FileNotFoundError: if the JSON or a picture is not there.
        ValueError: if the JSON is not of COCO's form, an id stands twice, or a
            caption is empty or of an unknown picture.

    Reference:
        - [Chen et al., 2015](https://arxiv.org/abs/1504.00325)
    """
    path, folder = pathlib.Path(captions), pathlib.Path(images)
    try:
        data = json.loads(read_text(path))
        files = _unique([(i["id"], i["file_name"]) for i in data["images"]], path)
        notes = [(a["image_id"], a["caption"]) for a in data["annotations"]]
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{path} is not a COCO captions file: it must have 'images' with 'id' and "
            "'file_name', and 'annotations' with 'image_id' and 'caption'. "
            f"({type(error).__name__}: {error})"
        ) from error
    texts: dict[int, list[str]] = {image_id: [] for image_id in files}
    for image_id, caption in notes:
        if image_id not in files:
            raise ValueError(
                f"{path} has a caption of image {image_id}, unknown to it."
            )
        place = f"{path} (image {image_id})"
        texts[image_id].append(check_caption(caption, place))
    found = collect_captioned(files, texts, folder, path)
    return found.datasets(validation_fraction, seed)


def _unique(pairs, path) -> dict:
    files: dict = {}
    for image_id, name in pairs:
        if image_id in files:
            raise ValueError(f"{path} has the image id {image_id} twice.")
        files[image_id] = name
    return files
