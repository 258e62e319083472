from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from mmkeras.data.sources.from_coco import from_coco
from mmkeras.data.sources.from_conceptual import from_conceptual
from mmkeras.data.sources.from_flickr import open_flickr
from mmkeras.data.sources.from_folder import open_captioned_folder
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
        options: dict from the name of an option of `open` to its description,
            e.g. `{"images": "the folder of the images"}`.
        required: tuple of strings, the options that must be given.
        has_splits: bool, whether `open` accepts `split=`; otherwise the files are one
            split as a whole.
    """

    open: Callable
    gives: str
    form: str
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    required: tuple[str, ...] = ()
    has_splits: bool = False


def _annotated(open: Callable, form: str, has_splits: bool = False) -> Source:
    return Source(open, "caption", form, _IMAGES, ("images",), has_splits)


_IMAGES = {"images": "the folder of the images"}

# By the prefix of the data specification.
FILES = {
    "coco": _annotated(from_coco, "coco:FILE.json"),
    "karpathy": _annotated(open_karpathy, "karpathy:FILE.json", has_splits=True),
    "flickr": _annotated(open_flickr, "flickr:FILE", has_splits=True),
    "conceptual": _annotated(from_conceptual, "conceptual:FILE.tsv"),
    "vqa": Source(
        open_vqa,
        "question",
        "vqa:QUESTIONS.json",
        {**_IMAGES, "annotations": "the file of the answers"},
        ("images",),
    ),
}

# By what the samples must have.
FOLDERS = {
    "caption": Source(
        open_captioned_folder,
        "caption",
        "a folder of images with captions",
        {"captions": "the table of the captions of a folder"},
    ),
    "question": Source(
        open_question_folder,
        "question",
        "a folder of images with questions.csv",
        {"questions": "the table of the questions of a folder"},
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
        def open_tagged_folder(path, labels, validation_fraction=None, seed=0):
            return mmkeras.data.from_folder(
                path,
                labels,
                columns={"tags": "tags"},
                separators={"tags": " ;"},
                validation_fraction=validation_fraction,
                seed=seed,
            )

        mmkeras.data.register_source(
            mmkeras.data.Source(
                open_tagged_folder,
                gives="tags",
                form="a folder of images with a table of tags",
                options={"labels": "the table of the tags"},
                required=("labels",),
            )
        )
        samples = mmkeras.data.open_samples("photos", "tags", labels="labels.csv")
        ```
    """
    known, name = (FOLDERS, source.gives) if prefix is None else (FILES, prefix)
    if known.get(name, source) != source:
        raise ValueError(
            f"{name!r} is taken by another source, {known[name].form}. Choose another "
            "name."
        )
    known[name] = source
