from __future__ import annotations

import os
import pathlib

import tensorflow as tf

from mmkeras.data import from_question_csv, from_vqa
from mmkeras.data.sources.load_named import is_tfds_name, load_named, split_named
from mmkeras.models.visual_qa.visual_qa_run import VisualQARun

_TABLE = "questions.csv"
_OFFICIAL = "vqa:"


def load_question_splits(
    run: VisualQARun,
) -> tuple[tf.data.Dataset, tf.data.Dataset | None]:
    """The training and validation data of a run.

    Args:
        run: a `VisualQARun`.

    Returns:
        Two unbatched datasets of samples with no picture in both; the second is
        `None` if `run.validation_fraction` is 0.
    """
    named = {
        "questions": run.questions,
        "annotations": run.annotations,
        "images": run.images,
    }
    if not run.validation_fraction:
        train, validation = load_questions(run.data, **named), None
    elif _is_named(run.data):
        _check(run.data, **named)
        train, validation = split_named(run.data, run.validation_fraction)
    else:
        train, validation = _from_files(
            run.data, **named, fraction=run.validation_fraction, seed=run.seed
        )
    return train if run.limit is None else train.take(run.limit), validation


def load_questions(
    data: str,
    questions: str | None = None,
    annotations: str | None = None,
    images: str | None = None,
    split: str = "train",
) -> tf.data.Dataset:
    """The questions that a data specification names.

    Args:
        data: string: a folder of pictures with a table of questions, official files
            (`"vqa:QUESTIONS.json"`), or a name in TFDS.
        questions: string, table of a folder, or `None` for its `questions.csv`.
        annotations: string, official file of the answers, or `None`.
        images: string, folder of the pictures of official files, or `None`.
        split: string, of a dataset in TFDS.

    Returns:
        An unbatched `tf.data.Dataset` of sample dicts.

    Raises:
        FileNotFoundError: if there is no such folder or file.
        ValueError: if an option does not go with the kind of data.
    """
    if not _is_named(data):
        return _from_files(data, questions, annotations, images)
    _check(data, questions, annotations, images)
    return load_named(data, split)


def _is_named(data) -> bool:
    official = data.startswith(_OFFICIAL)
    if official or pathlib.Path(data).is_dir():
        return False
    if is_tfds_name(data):
        return True
    raise FileNotFoundError(
        f"There is no folder {data}. Give a folder of pictures with {_TABLE}, "
        "vqa:QUESTIONS.json, or the name of a dataset in TFDS."
    )


def _check(data, questions=None, annotations=None, images=None) -> None:
    """Refuses options that do not go with the kind of data."""
    official = data.startswith(_OFFICIAL)
    if official and not images:
        raise ValueError(f"{data} needs the folder of its pictures: images (--images).")
    wrong = {
        "annotations": None if official else annotations,
        "images": None if official else images,
        "questions": questions if official or not os.path.isdir(data) else None,
    }
    given = [f"{name}={value!r}" for name, value in wrong.items() if value]
    if given:
        raise ValueError(
            f"{given[0]} does not go with {data!r}: a folder has questions, "
            "vqa:QUESTIONS.json has annotations and images, a name in TFDS has none."
        )


def _from_files(data, questions, annotations, images, fraction=None, seed=0):
    _check(data, questions, annotations, images)
    if data.startswith(_OFFICIAL):
        path = data.removeprefix(_OFFICIAL)
        return from_vqa(path, annotations, images, fraction, seed)
    table = questions or os.path.join(data, _TABLE)
    return from_question_csv(table, data, validation_fraction=fraction, seed=seed)
