from __future__ import annotations

import pathlib

import tensorflow as tf

from mmkeras.data import from_folder
from mmkeras.data.sources.load_annotated import load_annotated
from mmkeras.data.sources.load_named import is_tfds_name, load_named, split_named
from mmkeras.models.image_captioner.captioner_run import CaptionerRun

# What `data` may begin with: the forms of annotation files that name their pictures.
_ANNOTATED = ("coco", "karpathy", "flickr", "conceptual")


def load_splits(
    run: CaptionerRun,
) -> tuple[tf.data.Dataset, tf.data.Dataset | None]:
    """The training and validation data of a run.

    Args:
        run: a `CaptionerRun`.

    Returns:
        Two unbatched datasets of samples with no picture in both; the second is
        `None` if `run.validation_fraction` is 0.
    """
    if not run.validation_fraction:
        train, validation = load_samples(run.data, run.captions, run.images), None
    else:
        train, validation = _held_out(run)
    return train if run.limit is None else train.take(run.limit), validation


def load_samples(
    data: str,
    captions: str | None = None,
    images: str | None = None,
    split: str = "train",
) -> tf.data.Dataset:
    """The samples that a data specification names.

    Args:
        data: string: a folder, an annotation file (`"coco:FILE.json"`,
            `"karpathy:FILE.json"`, `"flickr:FILE"`, `"conceptual:FILE.tsv"`), or a
            name in TFDS.
        captions: string, table of captions of a folder, or `None`.
        images: string, folder of the pictures of an annotation file, or `None`.
        split: string, of a dataset in TFDS, `karpathy:` or `flickr:`.

    Returns:
        An unbatched `tf.data.Dataset` of sample dicts.

    Raises:
        FileNotFoundError: if there is no such folder or file.
        ValueError: if `captions` or `images` do not go with the kind of data.
    """
    kind = _kind(data, captions, images)
    if kind in _ANNOTATED:
        return load_annotated(data, images, split)
    if kind == "folder":
        return from_folder(data, captions)
    return load_named(data, split)


def _kind(data, captions, images) -> str:
    prefix, colon, _ = data.partition(":")
    if colon and prefix in _ANNOTATED:
        kind = prefix
    elif pathlib.Path(data).is_dir():
        kind = "folder"
    elif is_tfds_name(data):
        kind = "tfds"
    else:
        raise FileNotFoundError(
            f"There is no folder {data}. Give a folder of pictures, coco:FILE.json, "
            "or the name of a dataset in TFDS."
        )
    if kind in _ANNOTATED and not images:
        raise ValueError(f"{data} needs the folder of its pictures: images (--images).")
    if kind not in _ANNOTATED and images:
        raise ValueError(
            f"images={images!r} goes with coco:FILE.json and its like, not {data!r}."
        )
    if kind != "folder" and captions:
        raise ValueError(f"captions={captions!r} goes with a folder, not {data!r}.")
    return kind


def _held_out(run) -> tuple[tf.data.Dataset, tf.data.Dataset]:
    fraction = run.validation_fraction
    kind = _kind(run.data, run.captions, run.images)
    if kind == "folder":
        return from_folder(
            run.data, run.captions, validation_fraction=fraction, seed=run.seed
        )
    if kind in _ANNOTATED:
        return load_annotated(
            run.data, run.images, validation_fraction=fraction, seed=run.seed
        )
    return split_named(run.data, fraction)
