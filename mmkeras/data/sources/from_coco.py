from __future__ import annotations

import os
import pathlib

import tensorflow as tf

from mmkeras.data.formats import read_coco_captions
from mmkeras.data.sources.collect_captioned import collect_captioned


def from_coco(
    captions: str | os.PathLike,
    images: str | os.PathLike,
    validation_fraction: float | None = None,
    seed: int = 0,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """Builds a dataset from the official COCO captions JSON, or a file in its format.

    Args:
        captions: path of the JSON, e.g. `captions_val2017.json`.
        images: folder of the images that it names.
        validation_fraction: float, the fraction of the images in a second dataset, or
            `None` for one dataset.
        seed: int, the seed of the split.

    Returns:
        An unbatched `tf.data.Dataset` of dicts `image` (string, encoded bytes),
        `image_id` (string) and `captions` (string `[captions]`), in the order of
        the JSON, or two of them. Images are read lazily; those without a caption are
        skipped, with a warning that counts them.

    Raises:
        FileNotFoundError: if the JSON or an image does not exist.
        ValueError: if the JSON does not have COCO's format, an id is duplicated, or a
            caption is empty or of an unknown image.

    Reference:
        - [Chen et al., 2015](https://arxiv.org/abs/1504.00325)
    """
    path = pathlib.Path(captions)
    content = read_coco_captions(path)
    nameless = [name for name in content.captions if name not in content.file_names]
    if nameless:
        raise ValueError(
            f"{path}: the image {nameless[0]!r} has no 'file_name', by which it is "
            "found in the folder of images. Add it."
        )
    found = collect_captioned(
        (
            (str(image_id), content.file_names[image_id], texts)
            for image_id, texts in content.captions.items()
        ),
        pathlib.Path(images),
        path,
    )
    return found.datasets(validation_fraction, seed)
