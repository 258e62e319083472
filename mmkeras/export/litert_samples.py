from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mmkeras.runtime.read_image import read_image

if TYPE_CHECKING:
    from mmkeras.models import Task


def litert_samples(task: Task, samples: Iterable | None) -> list[dict[str, Any]]:
    """The samples that a LiteRT file is checked on.

    Args:
        task: a task of `mmkeras.models`.
        samples: iterable of images, or for a task with several inputs of tuples such
            as `(image, question)`; or of sample dicts, e.g. a `tf.data.Dataset`;
            `None` for the samples of the task's preset.

    Returns:
        list of dicts with `image`, uint8 `[height, width, 3]` of the model's size,
        and the other inputs of the task as strings.

    Raises:
        ValueError: if there are no samples, or one lacks an input.
    """
    samples = task.samples if samples is None else samples
    keys = task.spec.inputs
    height, width = task.preprocessor.image_converter.image_size
    crop = task.preprocessor.image_converter.crop_to_aspect_ratio
    found = []
    for number, sample in enumerate(samples):
        values = _values(sample, keys)
        missing = [key for key in keys if not _is_given(values.get(key))]
        if missing:
            raise ValueError(
                f"Sample {number} has no {missing[0]!r}. Give dicts with the keys "
                f"{', '.join(keys)}, or tuples in this order."
            )
        image = read_image(values["image"], height, width, crop)[0]
        found.append({**values, "image": image})
    if not found:
        raise ValueError(
            "A LiteRT file is run on samples before it is written. Give a few, e.g. "
            "`samples=dataset.take(16)`. Presets of `mmkeras train` have their own "
            "samples, other tasks after `task.keep_samples(dataset)`."
        )
    return found


def _values(sample, keys) -> dict[str, Any]:
    if isinstance(sample, Mapping):
        values = {key: sample.get(key) for key in keys}
    elif isinstance(sample, tuple):
        values = dict(zip(keys, sample, strict=False))
    else:
        values = {keys[0]: sample}
    return {
        key: _plain(value) if key == "image" else _first_text(value)
        for key, value in values.items()
    }


def _plain(value):
    """A value of a sample, without TensorFlow."""
    return value.numpy() if hasattr(value, "numpy") else value


def _first_text(value) -> str | None:
    """The first of a sample's texts."""
    value = _plain(value)
    if isinstance(value, (list, tuple, np.ndarray)):
        value = value[0] if len(value) else None
    return value.decode("utf-8") if isinstance(value, bytes) else value


def _is_given(value) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())
