from __future__ import annotations

import io
import json
import os
import pathlib
import shutil
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from PIL import Image

from mmkeras.runtime.read_image import read_image

_FOLDER = "samples"
_TABLE = "samples.json"


class KeptSample(NamedTuple):
    """A picture that a preset keeps, to check on what is made of the model.

    Args:
        image: bytes, a PNG of the model's size.
        question: string, or `None`.
    """

    image: bytes
    question: str | None


def choose_samples(
    samples: Iterable[dict],
    height: int,
    width: int,
    crop: bool,
    number: int,
    asks: bool = False,
) -> tuple[KeptSample, ...]:
    """The first few samples, each with a picture and its first question.

    Args:
        samples: iterable of sample dicts, not batched, e.g. a `tf.data.Dataset`. Those
            without a picture that can be read are passed over.
        height: int, in pixels.
        width: int, in pixels.
        crop: bool, as `read_image` takes it.
        number: int, how many.
        asks: bool, whether samples without a question are passed over too.

    Returns:
        tuple of `KeptSample`.
    """
    found = []
    for sample in samples:
        if len(found) == number:
            break
        question = first_question(sample.get("question"))
        if asks and not question:
            continue
        try:
            pixels = read_image(plain(sample["image"]), height, width, crop)[0]
        except ValueError:
            continue
        found.append(KeptSample(_encoded(pixels), question))
    return tuple(found)


def write_samples(samples: Iterable[KeptSample], preset: str | os.PathLike) -> None:
    """Writes samples into the folder of a preset, in place of those there."""
    folder = pathlib.Path(preset) / _FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    rows = []
    for number, sample in enumerate(samples):
        folder.mkdir(exist_ok=True)
        name = f"{number:02}.png"
        (folder / name).write_bytes(sample.image)
        rows.append({"image": name, "question": sample.question})
    if rows:
        text = json.dumps(rows, ensure_ascii=False, indent=2) + "\n"
        (folder / _TABLE).write_text(text, "utf-8")


def read_samples(preset: str | os.PathLike) -> tuple[KeptSample, ...]:
    """The samples in the folder of a preset, none if it keeps none.

    Raises:
        ValueError: if they are damaged.
    """
    folder = pathlib.Path(preset) / _FOLDER
    if not (folder / _TABLE).is_file():
        return ()
    try:
        rows = json.loads((folder / _TABLE).read_text("utf-8"))
        return tuple(
            KeptSample((folder / row["image"]).read_bytes(), row["question"])
            for row in rows
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"The samples in {folder} are damaged ({error}). Copy the folder again, "
            "remove it, or give samples of your own."
        ) from error


def plain(value):
    """A value of a sample, without TensorFlow."""
    return value.numpy() if hasattr(value, "numpy") else value


def first_question(question) -> str | None:
    """The first question of a sample, `None` if there is none or it is blank.

    Args:
        question: string, bytes, a tensor, several of these, or `None`.
    """
    question = plain(question)
    if isinstance(question, (list, tuple, np.ndarray)):
        question = question[0] if len(question) else None
    question = question.decode("utf-8") if isinstance(question, bytes) else question
    return question if question and question.strip() else None


def _encoded(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    return file.getvalue()
