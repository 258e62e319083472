from __future__ import annotations

import tensorflow as tf

from mmkeras.data import (
    find_flickr_list,
    from_coco,
    from_conceptual,
    from_flickr,
    from_karpathy,
)


def load_annotated(
    data: str,
    images: str,
    split: str = "train",
    validation_fraction: float | None = None,
    seed: int = 0,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """The samples of an annotation file and the pictures that it names.

    Args:
        data: string, the form of the file and its path: `"coco:FILE.json"`,
            `"karpathy:FILE.json"`, `"flickr:FILE"` or `"conceptual:FILE.tsv"`.
        images: string, folder of the pictures.
        split: string, `"train"`, `"val"` or `"test"`, of `karpathy:`, and of
            `flickr:` where its official lists are beside the file. Other files are
            of one split as a whole.
        validation_fraction: float, to have training and validation data: the
            official ones where there are such splits, else this share of the
            pictures is held out. `None` for `split` only.
        seed: int, of what is held out.

    Returns:
        An unbatched `tf.data.Dataset` of sample dicts, or two of them.

    Raises:
        FileNotFoundError: if a file or a picture is not there.
        ValueError: if a file is not of its form, or not all lists of Flickr are
            there.
    """
    kind, _, path = data.partition(":")
    if kind == "karpathy":
        if validation_fraction is None:
            return from_karpathy(path, images, split)
        return tuple(from_karpathy(path, images, part) for part in ("train", "val"))
    if kind == "flickr":
        return _flickr(path, images, split, validation_fraction, seed)
    source = from_coco if kind == "coco" else from_conceptual
    return source(path, images, validation_fraction=validation_fraction, seed=seed)


def _flickr(path, images, split, fraction, seed):
    lists = {part: find_flickr_list(path, part) for part in ("train", "val", "test")}
    missing = [part for part, found in lists.items() if found is None]
    if missing == list(lists):
        return from_flickr(path, images, None, fraction, seed)
    if missing:
        # Or what is for the test could be trained on.
        raise ValueError(
            f"{path} has official lists beside it, but none of {missing[0]!r}. Put all "
            "three there, or none to use every picture."
        )
    if fraction is None:
        return from_flickr(path, images, lists[split])
    return tuple(from_flickr(path, images, lists[part]) for part in ("train", "val"))
