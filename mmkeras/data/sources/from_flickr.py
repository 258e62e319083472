from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator

import tensorflow as tf

from mmkeras.data.formats.read_text import read_text
from mmkeras.data.sources.check_caption import check_caption
from mmkeras.data.sources.collect_captioned import collect_captioned

_HEADER = "image_name|comment_number|comment"


def from_flickr(
    captions: str | os.PathLike,
    images: str | os.PathLike,
    split: str | os.PathLike | None = None,
    validation_fraction: float | None = None,
    seed: int = 0,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
    """A dataset from the official files of Flickr8k or Flickr30k.

    Args:
        captions: path of the captions: `Flickr8k.token.txt` or
            `results_20130124.token` (`name.jpg#0`, a tab, the caption), or the
            `results.csv` of Flickr30k (`image_name| comment_number| comment`).
        images: folder of the pictures.
        split: path of a list of the pictures to take, a name a line with or without
            `.jpg`: `Flickr_8k.trainImages.txt`, or `train.txt` of Flickr30k
            Entities (`find_flickr_list` finds them); `None` for all pictures.
        validation_fraction: float, share of the pictures in a second dataset,
            or `None` for one dataset only.
        seed: int, of `validation_fraction`.

    Returns:
        An unbatched `tf.data.Dataset` of dicts `image` (string, encoded bytes),
        `image_id` (string, the file name) and `captions` (string `[number]`), in the
        order of the list or of the captions, or two of them. Pictures are read as
        they are needed.

    Raises:
        FileNotFoundError: if the captions, the list or a picture is not there. The
            captions of all of Flickr8k name one that was never part of it
            (`2258277193_586949ec62.jpg.1`): delete its rows, or give a list.
        ValueError: if a row is not of the form, a caption is empty, or a picture of
            the list has no captions.

    Example:
        ```python
        train = mmkeras.data.from_flickr(
            "Flickr8k.token.txt", "Flicker8k_Dataset", "Flickr_8k.trainImages.txt")
        ```

    Reference:
        - [Hodosh et al., 2013](https://doi.org/10.1613/jair.3994) (Flickr8k)
        - [Young et al., 2014](https://doi.org/10.1162/tacl_a_00166) (Flickr30k)
    """
    path, folder = pathlib.Path(captions), pathlib.Path(images)
    texts: dict[str, list[str]] = {}
    for place, name, caption in _rows(path):
        texts.setdefault(name, []).append(check_caption(caption, place))
    if not texts:
        raise ValueError(f"{path} has no captions.")
    names = texts if split is None else _listed(pathlib.Path(split), texts, path)
    found = collect_captioned({name: name for name in names}, texts, folder, path)
    return found.datasets(validation_fraction, seed)


def _rows(path) -> Iterator[tuple[str, str, str]]:
    """Where each row stands, its picture and its caption."""
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


def _listed(split, texts, path) -> list[str]:
    names = []
    for number, line in enumerate(read_text(split).split("\n"), start=1):
        name = line.strip()
        if not name:
            continue
        if name not in texts:
            # Flickr30k Entities leaves the ending out.
            name += ".jpg"
        if name not in texts:
            raise ValueError(
                f"{split}, line {number} names {line.strip()!r}, of which {path} has "
                "no caption. Is it the list of this dataset?"
            )
        names.append(name)
    if not names:
        raise ValueError(f"{split} names no pictures.")
    return names
