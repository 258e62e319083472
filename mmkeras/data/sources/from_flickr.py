from __future__ import annotations

import os
import pathlib

import tensorflow as tf

from mmkeras.data.formats import (
    find_flickr_list,
    read_flickr_captions,
    read_flickr_list,
)
from mmkeras.data.sources.collect_captioned import collect_captioned


def from_flickr(
    captions: str | os.PathLike,
    images: str | os.PathLike,
    split: str | os.PathLike | None = None,
    validation_fraction: float | None = None,
    seed: int = 0,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """Builds a dataset from the official files of Flickr8k or Flickr30k.

    Args:
        captions: path of the captions: `Flickr8k.token.txt` or
            `results_20130124.token` (`name.jpg#0`, a tab, the caption), or the
            `results.csv` of Flickr30k (`image_name| comment_number| comment`).
        images: folder of the images.
        split: path of a list of images, one name a line, with or without `.jpg`:
            `Flickr_8k.trainImages.txt`, or `train.txt` of Flickr30k Entities
            (`find_flickr_list` finds them); `None` for all images.
        validation_fraction: float, the fraction of the images in a second dataset, or
            `None` for one dataset.
        seed: int, the seed of the split.

    Returns:
        An unbatched `tf.data.Dataset` of dicts `image` (string, encoded bytes),
        `image_id` (string, the file name) and `captions` (string `[captions]`), in the
        order of the list or of the captions, or two of them. Images are read lazily.

    Raises:
        FileNotFoundError: if the captions, the list or an image does not exist. The
            captions of Flickr8k name an image that was never published
            (`2258277193_586949ec62.jpg.1`): delete its rows, or give a list.
        ValueError: if a row does not have this form, a caption is empty, or an image
            of the list has no captions.

    Example:
        ```python
        train = mmkeras.data.from_flickr(
            "Flickr8k.token.txt", "Flicker8k_Dataset", "Flickr_8k.trainImages.txt")
        ```

    Reference:
        - [Hodosh et al., 2013](https://doi.org/10.1613/jair.3994) (Flickr8k)
        - [Young et al., 2014](https://doi.org/10.1162/tacl_a_00166) (Flickr30k)
    """
    path = pathlib.Path(captions)
    texts = read_flickr_captions(path)
    names = list(texts) if split is None else read_flickr_list(split, texts, path)
    rows = ((name, name, texts[name]) for name in names)
    found = collect_captioned(rows, pathlib.Path(images), path)
    return found.datasets(validation_fraction, seed)


def open_flickr(
    path: str,
    images: str,
    split: str = "train",
    validation_fraction: float | None = None,
    seed: int = 0,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """Opens `flickr:FILE` of `open_samples`.

    Args:
        path: string, path of the captions.
        images: string, folder of the images.
        split: string, `"train"`, `"val"` or `"test"`; used if the official lists are
            beside the captions.
        validation_fraction: float, to get training and validation data: the official
            ones if the lists are there, else this fraction of all images is held out.
        seed: int, the seed of what is held out.

    Raises:
        ValueError: if only some of the lists are there.
    """
    lists = {part: find_flickr_list(path, part) for part in ("train", "val", "test")}
    missing = [part for part, found in lists.items() if found is None]
    if missing == list(lists):
        return from_flickr(path, images, None, validation_fraction, seed)
    if missing:
        # Images of the test could be trained on.
        raise ValueError(
            f"{path} has official lists beside it, but none of {missing[0]!r}. Put all "
            "three there, or none to use every image."
        )
    if validation_fraction is None:
        # Checks the name of the split.
        return from_flickr(path, images, find_flickr_list(path, split))
    return tuple(from_flickr(path, images, lists[part]) for part in ("train", "val"))
