from __future__ import annotations

import itertools
import os
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf

from mmkeras.preprocessing.unreadable import unreadable


def load_images(images: Any) -> tuple[list[bytes], list[str], bool]:
    """Reads images given in any of several forms as encoded bytes.

    Args:
        images: a path, encoded bytes, or a uint8 array `[height, width, 3]`; a list
            of these; or a batch: uint8 `[batch, height, width, 3]` or a string
            tensor `[batch]` of encoded bytes.

    Returns:
        Tuple `(data, names, single)`: the encoded bytes and a name of each image, and
        whether a single image was given instead of a list or batch.

    Raises:
        FileNotFoundError: if a file does not exist.
        ValueError: if an array is neither an image nor a batch of images.
    """
    if isinstance(images, (str, os.PathLike)):
        return [_read_file(images)], [os.fspath(images)], True
    if isinstance(images, bytes):
        return [images], ["the image"], True
    if not isinstance(images, (list, tuple)):
        images = np.asarray(images)
        if images.dtype.kind in "OS" and images.ndim <= 1:
            single = images.ndim == 0
            images = images.reshape(-1).tolist()
            return images, [f"image {i}" for i in range(len(images))], single
        if images.ndim == 3:
            return [_encode(images)], ["the image"], True
        if images.ndim != 4:
            raise ValueError(
                "Expected an image [height, width, 3] or a batch [batch, height, "
                f"width, 3]. Received an array of shape {images.shape}."
            )
    loaded, names = [], []
    for index, item in enumerate(images):
        found, given, single = load_images(item)
        if not single:
            raise ValueError(
                f"Item {index} of the list is not a single image. Pass paths, bytes "
                "or arrays [height, width, 3]."
            )
        loaded.extend(found)
        names.append(
            given[0] if isinstance(item, (str, os.PathLike)) else f"image {index}"
        )
    return loaded, names, False


def _read_file(path) -> bytes:
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"Image file {path} does not exist.")
    return path.read_bytes()


def _encode(array: np.ndarray) -> bytes:
    if array.dtype != np.uint8 or array.shape[-1] != 3:
        raise ValueError(
            "An image array must be uint8 [height, width, 3] in RGB. Received "
            f"{array.dtype} {array.shape}."
        )
    return tf.io.encode_png(array, compression=1).numpy()


def refuse_bad_images(errors: np.ndarray, names: list[str]) -> None:
    """Raises an error that names the images that could not be decoded.

    Args:
        errors: array of bytes `[batch]`, of `ImageConverter.convert`; empty for valid
            images.
        names: list of strings, the names of the images.

    Raises:
        ValueError: if an image could not be decoded.
    """
    bad = unreadable(names, errors)
    if bad:
        more = f" (and {len(bad) - 3} more)" if len(bad) > 3 else ""
        listed = "; ".join(itertools.islice(bad, 3))
        raise ValueError(f"Cannot read {listed}{more}. Remove or convert these images.")
