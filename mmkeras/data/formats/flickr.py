"""The official files of Flickr8k and Flickr30k."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Collection, Iterator

from mmkeras.data.formats.check_caption import check_caption
from mmkeras.data.formats.read_text import read_text

_HEADER = "image_name|comment_number|comment"
# Of Flickr8k, and of Flickr30k Entities.
_LISTS = {
    "train": ("Flickr_8k.trainImages.txt", "train.txt"),
    "val": ("Flickr_8k.devImages.txt", "val.txt"),
    "test": ("Flickr_8k.testImages.txt", "test.txt"),
}


def read_flickr_captions(path: str | os.PathLike) -> dict[str, list[str]]:
    """Reads the captions of Flickr8k or Flickr30k.

    Args:
        path: path of `Flickr8k.token.txt` or `results_20130124.token`
            (`name.jpg#0`, a tab, the caption), or of the `results.csv` of Flickr30k
            (`image_name| comment_number| comment`).

    Returns:
        Dict from the file name of an image to its captions as they are written, in
        the order of the file.

    Raises:
        FileNotFoundError: if the file does not exist.
        IsADirectoryError: if it is a folder.
        ValueError: if the file is not UTF-8, a row does not have this form, a caption
            is empty, or there are none.

    Reference:
        - [Hodosh et al., 2013](https://doi.org/10.1613/jair.3994) (Flickr8k)
        - [Young et al., 2014](https://doi.org/10.1162/tacl_a_00166) (Flickr30k)
    """
    captions: dict[str, list[str]] = {}
    for place, name, caption in _rows(path):
        captions.setdefault(name, []).append(check_caption(caption, place))
    if not captions:
        raise ValueError(f"{path} has no captions.")
    return captions


def read_flickr_list(
    path: str | os.PathLike, known: Collection[str], captions: str | os.PathLike
) -> list[str]:
    """Reads the list of the images of a split.

    Args:
        path: path of the list, one name a line, with or without `.jpg`.
        known: names of the images that have captions.
        captions: path of the file of captions, for the error.

    Returns:
        List of file names, in the order of the list.

    Raises:
        FileNotFoundError: if the file does not exist.
        IsADirectoryError: if it is a folder.
        ValueError: if the file is not UTF-8, an image has no caption or is
            duplicated, or there are none.
    """
    names: dict[str, int] = {}
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        name = line.strip()
        if not name:
            continue
        if name not in known:
            # Flickr30k Entities writes names without the ending.
            name += ".jpg"
        if name not in known:
            raise ValueError(
                f"{path}, line {number} names {line.strip()!r}, of which {captions} "
                "has no caption. Is it the list of this dataset?"
            )
        if name in names:
            raise ValueError(
                f"{path}, line {number} names {line.strip()!r} again, after line "
                f"{names[name]}. Delete one of them."
            )
        names[name] = number
    if not names:
        raise ValueError(f"{path} names no images.")
    return list(names)


def find_flickr_list(captions: str | os.PathLike, split: str) -> pathlib.Path | None:
    """Finds the official list of the images of a split, beside the captions.

    Args:
        captions: path of `Flickr8k.token.txt` or of a file of captions of Flickr30k.
        split: string, `"train"`, `"val"` or `"test"`.

    Returns:
        The path of `Flickr_8k.trainImages.txt` (`devImages`, `testImages`) of
        Flickr8k or of `train.txt` (`val.txt`, `test.txt`) of Flickr30k Entities, for
        `from_flickr(split=)`; `None` if neither exists.

    Raises:
        ValueError: if the split is unknown.
    """
    if split not in _LISTS:
        raise ValueError(
            f"`split` must be one of {', '.join(map(repr, _LISTS))}. Received: "
            f"split={split!r}."
        )
    paths = [pathlib.Path(captions).parent / name for name in _LISTS[split]]
    return next((path for path in paths if path.is_file()), None)


def _rows(path) -> Iterator[tuple[str, str, str]]:
    """The place of each row, its image and its caption."""
    # Not `splitlines`, which also splits at characters that a caption may have.
    lines = read_text(path).split("\n")
    table = lines[0].replace(" ", "").strip() == _HEADER
    for number, line in enumerate(lines, start=1):
        if not line.strip() or (table and number == 1):
            continue
        place = f"{path}, line {number}"
        if table:
            name, _, rest = line.partition("|")
            index, bar, caption = rest.partition("|")
        else:
            key, bar, caption = line.partition("\t")
            name, _, index = key.rpartition("#")
        if not bar or not name.strip() or not index.strip().isdigit():
            form = "name.jpg| 0| caption" if table else "name.jpg#0<tab>caption"
            raise ValueError(f"{place} must be {form!r}. It is {line.strip()[:60]!r}.")
        yield place, name.strip(), caption
