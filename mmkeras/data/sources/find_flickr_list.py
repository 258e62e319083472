from __future__ import annotations

import os
import pathlib

# Of Flickr8k, and of Flickr30k Entities.
_LISTS = {
    "train": ("Flickr_8k.trainImages.txt", "train.txt"),
    "val": ("Flickr_8k.devImages.txt", "val.txt"),
    "test": ("Flickr_8k.testImages.txt", "test.txt"),
}


def find_flickr_list(captions: str | os.PathLike, split: str) -> pathlib.Path | None:
    """The official list of the pictures of a split, if it is beside the captions.

    Args:
        captions: path of `Flickr8k.token.txt` or of a file of captions of Flickr30k.
        split: string, `"train"`, `"val"` or `"test"`.

    Returns:
        The path of `Flickr_8k.trainImages.txt` (`devImages`, `testImages`) of
        Flickr8k or of `train.txt` (`val.txt`, `test.txt`) of Flickr30k Entities, for
        `from_flickr(split=)`; `None` if neither is there.

    Raises:
        ValueError: if there is no such split.
    """
    if split not in _LISTS:
        raise ValueError(
            f"`split` must be one of {', '.join(map(repr, _LISTS))}. Received: "
            f"split={split!r}."
        )
    paths = [pathlib.Path(captions).parent / name for name in _LISTS[split]]
    return next((path for path in paths if path.is_file()), None)
