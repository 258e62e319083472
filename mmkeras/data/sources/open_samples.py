from __future__ import annotations

import pathlib
import re

import tensorflow as tf

from mmkeras.arguments import check_choice, real_number, whole_number
from mmkeras.data.sources.load import DatasetNotFoundError, load
from mmkeras.data.sources.registry import FILES, FOLDERS, Source

# name, name/variant, name/variant:1.0.0
_TFDS_NAME = re.compile(r"[A-Za-z]\w*(:\w+)?(/[\w.=,-]+)?(:[\d.*]+)?")


def open_samples(
    data: str,
    needs: str = "caption",
    *,
    split: str = "train",
    validation_fraction: float | None = None,
    seed: int = 0,
    limit: int | None = None,
    **options: str | None,
) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset | None]:
    """Opens the samples that a data specification names.

    A data specification is one of:

    - a folder of images with captions (`from_folder`; option `captions`, the path of
      the table) or questions (`from_question_csv`; option `questions`, likewise);
    - `"coco:FILE.json"` (`from_coco`), `"karpathy:FILE.json"` (`from_karpathy`),
      `"flickr:FILE"` (`from_flickr`) or `"conceptual:FILE.tsv"` (`from_conceptual`),
      with captions; option `images`, the folder of the images;
    - `"vqa:QUESTIONS.json"` (`from_vqa`), with questions; options `images` and
      `annotations`, the file of the answers;
    - a name in TFDS (`load`).

    Args:
        data: string, the data specification.
        needs: string, what the samples must have: `"caption"`, `"question"`, or what
            a source of `register_source` gives.
        split: string, the split to open, of a dataset in TFDS, of `karpathy:`, and of
            `flickr:` if its official lists are beside the file. Other files are one
            split as a whole. Not used with `validation_fraction`.
        validation_fraction: float, to get training and validation data: the
            validation split of the data, or else this fraction of the images, is held
            out; 0 for no validation data. `None` for the samples of `split` only.
        seed: int, the seed of what is held out.
        limit: int, maximum number of samples, of the training data if there are
            validation data, or `None`.
        **options: strings, options of the kind of data, as listed above; those that
            are `None` are ignored.

    Returns:
        An unbatched `tf.data.Dataset` of sample dicts; with `validation_fraction` a
        pair `(train, validation)` of them that share no image, `validation` being
        `None` for a fraction of 0.

    Raises:
        FileNotFoundError: if a file, a folder or an image does not exist.
        ValueError: if an option does not go with the kind of data, is missing or out
            of range, or the data give other samples than needed.

    Example:
        ```python
        train, validation = mmkeras.data.open_samples(
            "coco:captions_train2017.json", images="train2017",
            validation_fraction=0.01)
        test = mmkeras.data.open_samples("easy_vqa", "question", split="test")
        ```
    """
    check_choice("needs", needs, FOLDERS)
    if limit is not None:
        limit = whole_number("limit", limit, 1)
    if validation_fraction is not None:
        validation_fraction = real_number("validation_fraction", validation_fraction)
    source, path = _find_source(data, needs)
    given = {name: value for name, value in options.items() if value}
    _check_options(data, source, given)
    fraction = validation_fraction or None
    split = split if validation_fraction is None else "train"
    if source is None:
        opened = _open_named(data, split, fraction)
    else:
        if source.has_splits:
            given["split"] = split
        opened = source.open(path, validation_fraction=fraction, seed=seed, **given)
    if validation_fraction is None:
        return _limited(opened, limit)
    train, validation = (opened, None) if fraction is None else opened
    return _limited(train, limit), validation


def _limited(dataset: tf.data.Dataset, limit: int | None) -> tf.data.Dataset:
    return dataset if limit is None else dataset.take(limit)


def _find_source(data: str, needs: str) -> tuple[Source | None, str]:
    """The source of the data, or `None` for TFDS, and the path for it."""
    prefix, colon, path = data.partition(":")
    if colon and prefix in FILES:
        source = FILES[prefix]
        if source.gives != needs:
            raise ValueError(
                f"{data} has samples with {source.gives!r}, and {needs!r} is needed. "
                f"Give {_forms(needs)}."
            )
        return source, path
    if data and pathlib.Path(data).is_dir():
        return FOLDERS[needs], data
    if _TFDS_NAME.fullmatch(data):
        return None, data
    raise FileNotFoundError(f"There is no folder {data}. Give {_forms(needs)}.")


def _forms(needs: str) -> str:
    files = [source.form for source in FILES.values() if source.gives == needs]
    forms = [FOLDERS[needs].form, *files]
    return f"{', '.join(forms)}, or the name of a dataset in TFDS"


def _check_options(data: str, source: Source | None, given: dict) -> None:
    accepted = {} if source is None else source.options
    for name, value in given.items():
        if name not in accepted:
            listed = " and ".join(map(_named, accepted))
            raise ValueError(
                f"{_named(name)} does not go with {data!r}, which has "
                f"{listed or 'no options'}. Received: {name}={value!r}."
            )
    for name in () if source is None else source.required:
        if name not in given:
            raise ValueError(f"{data} needs {accepted[name]}: {_named(name)}.")


def _named(option: str) -> str:
    return f"`{option}` (--{option.replace('_', '-')})"


def _open_named(name: str, split: str, fraction: float | None):
    """Samples of a dataset in TFDS: those of a split, or training and validation."""
    if fraction is None:
        return _load(name, split)
    import tensorflow_datasets as tfds

    train = _load(name, "train")
    if "validation" in tfds.builder(name).info.splits:
        return train, load(name, split="validation")
    percent = min(99, max(1, round(100 * fraction)))
    return load(name, split=(f"train[{percent}%:]", f"train[:{percent}%]"))


def _load(name: str, split: str) -> tf.data.Dataset:
    try:
        return load(name, split=split)
    except DatasetNotFoundError as error:
        raise DatasetNotFoundError(
            f"There is no folder {name}, and no dataset of that name in TFDS. Give a "
            "folder of images, official files (coco:FILE.json, vqa:QUESTIONS.json), or "
            f"a name that TFDS has. ({error})"
        ) from error
