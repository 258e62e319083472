from __future__ import annotations

import dataclasses
from collections.abc import Callable

from mmkeras.data.sources.from_coco import from_coco
from mmkeras.data.sources.from_conceptual import from_conceptual
from mmkeras.data.sources.from_flickr import open_flickr
from mmkeras.data.sources.from_folder import from_folder
from mmkeras.data.sources.from_karpathy import open_karpathy
from mmkeras.data.sources.from_question_csv import open_question_folder
from mmkeras.data.sources.from_vqa import open_vqa


@dataclasses.dataclass(frozen=True)
class Source:
    """A kind of data that `open_samples` can open.

    Args:
        open: function `(path, validation_fraction=, seed=, **options)`, which returns
            a dataset or, if `validation_fraction` is not `None`, a pair of them.
        gives: string, what its samples have: `"caption"`, `"question"`, or a word of a
            plugin, e.g. `"tags"`.
        form: string, how its data specification is written, e.g. `"coco:FILE.json"`.
        required: tuple of strings, the options of `open_samples` that must be given,
            among `"table"`, `"annotations"` and `"images"`.
        optional: tuple of strings, those that may be given.
        has_splits: bool, whether `open` accepts `split=`; otherwise the files are one
            split as a whole.
    """

    open: Callable
    gives: str
    form: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    has_splits: bool = False


_IMAGES = ("images",)

# By the prefix of the data specification.
FILES = {
    "coco": Source(from_coco, "caption", "coco:FILE.json", _IMAGES),
    "karpathy": Source(
        open_karpathy, "caption", "karpathy:FILE.json", _IMAGES, has_splits=True
    ),
    "flickr": Source(open_flickr, "caption", "flickr:FILE", _IMAGES, has_splits=True),
    "conceptual": Source(from_conceptual, "caption", "conceptual:FILE.tsv", _IMAGES),
    "vqa": Source(
        open_vqa, "question", "vqa:QUESTIONS.json", _IMAGES, ("annotations",)
    ),
}

# By what is needed of a folder.
FOLDERS = {
    "caption": Source(
        from_folder,
        "caption",
        "a folder of images with captions",
        optional=("table",),
    ),
    "question": Source(
        open_question_folder,
        "question",
        "a folder of images with questions.csv",
        optional=("table",),
    ),
}


def register_source(source: Source, prefix: str | None = None) -> None:
    """Registers a kind of data for `open_samples`.

    Args:
        source: `Source`.
        prefix: string, how data specifications of this kind begin: `"mine"` for
            `"mine:FILE"`; `None` for folders, opened by this source where
            `needs=source.gives`.

    Raises:
        ValueError: if the prefix or what the source gives is taken.

    Example:
        ```python
        mmkeras.data.register_source(
            mmkeras.data.Source(
                functools.partial(
                    mmkeras.data.from_folder,
                    columns={"tags": "tags"},
                    separators={"tags": " ;"},
                ),
                gives="tags",
                form="a folder of images with a table of tags",
                required=("table",),
            )
        )
        samples = mmkeras.data.open_samples("photos", "tags", table="labels.csv")
        ```
    """
    known, name = (FOLDERS, source.gives) if prefix is None else (FILES, prefix)
    if known.get(name, source) != source:
        raise ValueError(
            f"{name!r} is taken by another source, {known[name].form}. Choose another "
            "name."
        )
    known[name] = source
