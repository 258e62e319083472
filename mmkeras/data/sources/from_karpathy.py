from __future__ import annotations

import os
import pathlib

import tensorflow as tf

from mmkeras.data.formats import KarpathyImage, read_karpathy
from mmkeras.data.sources.collect_captioned import collect_captioned

# The names that the file has for the parts of each split.
_SPLITS = {"train": ("train", "restval"), "val": ("val",), "test": ("test",)}


def from_karpathy(
    annotations: str | os.PathLike,
    images: str | os.PathLike,
    split: str | tuple[str, ...] = "train",
) -> tf.data.Dataset | tuple[tf.data.Dataset, ...]:
    """Builds a dataset from the JSON of the Karpathy split of COCO or Flickr.

    Args:
        annotations: path of `dataset_coco.json`, `dataset_flickr8k.json` or
            `dataset_flickr30k.json`.
        images: folder of the images. Those of COCO are in its folders `train2014/` and
            `val2014/`, as the JSON says (`filepath`); without a `filepath`, they are
            in the folder itself.
        split: string, `"train"`, `"val"` or `"test"`, or a tuple of them. `"train"`
            includes the `restval` of COCO, as in the published figures.

    Returns:
        An unbatched `tf.data.Dataset` of dicts `image` (string, encoded bytes),
        `image_id` (string: the id in COCO, or the file name) and `captions` (string
        `[captions]`, as annotators wrote them), in the order of the JSON; a tuple of
        datasets for a tuple of splits. Images are read lazily; those without a caption
        are skipped, with a warning that counts them.

    Raises:
        FileNotFoundError: if the JSON or an image of the split does not exist.
        ValueError: if the JSON does not have this form, an id is duplicated, a caption
            is empty, or the split is unknown.

    Example:
        ```python
        train = mmkeras.data.from_karpathy("coco/dataset_coco.json", "coco", "train")
        ```

    Reference:
        - [Karpathy and Fei-Fei, 2015](https://arxiv.org/abs/1412.2306)
    """
    splits = (split,) if isinstance(split, str) else tuple(split)
    for name in splits:
        if name not in _SPLITS:
            raise ValueError(
                f"`split` must be one of {', '.join(map(repr, _SPLITS))}. Received: "
                f"split={name!r}."
            )
    path, folder = pathlib.Path(annotations), pathlib.Path(images)
    content = read_karpathy(path)
    datasets = tuple(_dataset(content, name, folder, path) for name in splits)
    return datasets[0] if isinstance(split, str) else datasets


def open_karpathy(
    path: str,
    images: str,
    split: str = "train",
    validation_fraction: float | None = None,
    seed: int = 0,
) -> tf.data.Dataset | tuple[tf.data.Dataset, ...]:
    """Opens `karpathy:FILE` of `open_samples`.

    Args:
        path: string, path of the JSON.
        images: string, folder of the images.
        split: string, `"train"`, `"val"` or `"test"`.
        validation_fraction: float, to get the official training and validation data
            (the fraction itself is not used), or `None` for `split`.
        seed: int, not used: the split is official.
    """
    return from_karpathy(
        path, images, split if validation_fraction is None else ("train", "val")
    )


def _dataset(content: list[KarpathyImage], split, folder, path) -> tf.data.Dataset:
    rows = [
        (image.image_id, image.file_name, image.captions)
        for image in content
        if image.split in _SPLITS[split]
    ]
    if not rows:
        raise ValueError(f"{path} has no images in the split {split!r}.")
    return collect_captioned(rows, folder, path).dataset()
