from __future__ import annotations

import json
import os
import pathlib

import tensorflow as tf

from mmkeras.data.formats.read_text import read_text
from mmkeras.data.sources.check_caption import check_caption
from mmkeras.data.sources.collect_captioned import collect_captioned

# What the file calls the parts of each split.
_SPLITS = {"train": ("train", "restval"), "val": ("val",), "test": ("test",)}


def from_karpathy(
    annotations: str | os.PathLike,
    images: str | os.PathLike,
    split: str = "train",
) -> tf.data.Dataset:
    """A dataset from the JSON of the Karpathy split of COCO, Flickr8k or Flickr30k.

    Args:
        annotations: path of `dataset_coco.json`, `dataset_flickr8k.json` or
            `dataset_flickr30k.json`.
        images: folder of the pictures. Those of COCO are in `train2014/` and
            `val2014/` in it, as the JSON says (`filepath`); where it says nothing,
            they are in the folder itself.
        split: string, `"train"`, `"val"` or `"test"`. `"train"` has the `restval`
            of COCO too, as the published figures do.

    Returns:
        An unbatched `tf.data.Dataset` of dicts `image` (string, encoded bytes),
        `image_id` (string: the id in COCO, or the file name) and `captions` (string
        `[number]`, as people wrote them), in the order of the JSON. Pictures are read
        as they are needed; those without a caption are left out, with a warning that
        says how many.

    Raises:
        FileNotFoundError: if the JSON or a picture of the split is not there.
        ValueError: if the JSON is not of this form, an id stands twice, a caption is
            empty, or there is no such split.

    Example:
        ```python
        train = mmkeras.data.from_karpathy("coco/dataset_coco.json", "coco", "train")
        ```

    Reference:
        - [Karpathy and Fei-Fei, 2015](https://arxiv.org/abs/1412.2306)
    """
    path, folder = pathlib.Path(annotations), pathlib.Path(images)
    if split not in _SPLITS:
        raise ValueError(
            f"`split` must be one of {', '.join(map(repr, _SPLITS))}. Received: "
            f"split={split!r}."
        )
    files: dict = {}
    captions: dict[object, list[str]] = {}
    for part, image_id, name, sentences in _pictures(path):
        if part not in _SPLITS[split]:
            continue
        if image_id in files:
            raise ValueError(f"{path} has the image {image_id} twice.")
        place = f"{path} (image {image_id})"
        files[image_id] = name
        captions[image_id] = [check_caption(text, place) for text in sentences]
    if not files:
        raise ValueError(f"{path} has no pictures in the split {split!r}.")
    return collect_captioned(files, captions, folder, path).dataset()


def _pictures(path) -> list[tuple]:
    try:
        return [
            (
                entry["split"],
                entry.get("cocoid", entry["filename"]),
                (
                    pathlib.PurePath(entry.get("filepath", "")) / entry["filename"]
                ).as_posix(),
                [sentence["raw"] for sentence in entry["sentences"]],
            )
            for entry in json.loads(read_text(path))["images"]
        ]
    except (AttributeError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{path} is not a file of the Karpathy split: it must have 'images' with "
            "'filename', 'split' and 'sentences', and each of these 'raw'. "
            f"({type(error).__name__}: {error})"
        ) from error
