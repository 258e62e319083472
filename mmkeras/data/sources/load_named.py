from __future__ import annotations

import re

import tensorflow as tf

from mmkeras.data import load

# name, name/variant, name/variant:1.0.0
_TFDS_NAME = re.compile(r"[A-Za-z]\w*(:\w+)?(/[\w.=,-]+)?(:[\d.*]+)?")


def is_tfds_name(data: str) -> bool:
    """Whether a string has the form of a name in TFDS."""
    return _TFDS_NAME.fullmatch(data) is not None


def load_named(name: str, split: str = "train") -> tf.data.Dataset:
    """A dataset by its name in TFDS.

    Args:
        name: string.
        split: string.

    Returns:
        An unbatched `tf.data.Dataset` of sample dicts.

    Raises:
        ValueError: if there is no such dataset or split.
    """
    try:
        return load(name, split=split)
    except ValueError as error:
        cause = error.__cause__ or error
        if type(cause).__name__ != "DatasetNotFoundError":
            raise
        raise ValueError(
            f"There is no folder {name}, and no dataset of that name in TFDS. Give a "
            "folder of pictures, the official files (coco:FILE.json, vqa:FILE.json), "
            "or a name that TFDS has."
        ) from error


def split_named(name: str, fraction: float) -> tuple[tf.data.Dataset, tf.data.Dataset]:
    """Training and validation data of a dataset in TFDS.

    Args:
        name: string.
        fraction: float, the share of `train` that is held out if the dataset has no
            split `validation`.

    Returns:
        Two unbatched datasets of sample dicts.
    """
    import tensorflow_datasets as tfds

    train = load_named(name)
    if "validation" in tfds.builder(name).info.splits:
        return train, load(name, split="validation")
    percent = min(99, max(1, round(100 * fraction)))
    return load(name, split=(f"train[{percent}%:]", f"train[:{percent}%]"))
