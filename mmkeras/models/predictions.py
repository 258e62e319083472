from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from mmkeras.data import batch_samples
from mmkeras.preprocessing.images.load_images import refuse_bad_images


class Prediction(NamedTuple):
    """A sample and what a task predicts for it.

    Args:
        sample: dict of the sample as Python values, without its image.
        image: encoded bytes; `None` if the image is missing or not kept.
        output: the prediction of the task's verb.
    """

    sample: dict[str, Any]
    image: bytes | None
    output: Any

    @property
    def image_id(self) -> str | None:
        """The `image_id` of the sample, if it has one."""
        return self.sample.get("image_id")


class Predictions:
    """The predictions of a task for a dataset, made once for all evaluators.

    Args:
        task: a `Task`.
        dataset: a `tf.data.Dataset` of sample dicts with the inputs of the task,
            batched or not.
        batch_size: int, for a dataset that is not batched.
        on_error: string, `"raise"` an error for an unreadable image, or `"skip"` its
            sample.
        keep_images: bool, whether to keep the images in memory.
        **options: options of the task's verb.
    """

    def __init__(
        self,
        task,
        dataset: tf.data.Dataset,
        batch_size: int = 32,
        on_error: str = "raise",
        keep_images: bool = False,
        **options: Any,
    ):
        self.task, self.dataset = task, dataset
        self.batch_size, self.on_error = batch_size, on_error
        self._keep_images, self._options = keep_images, options

    @functools.cached_property
    def rows(self) -> list[Prediction]:
        """The samples with their predictions; skipped samples are left out."""
        return list(self._predict())

    def __iter__(self) -> Iterator[Prediction]:
        return iter(self.rows)

    def _predict(self) -> Iterator[Prediction]:
        keys = self.task.spec.inputs
        predict = getattr(self.task, self.task.spec.verb)
        for batch in batch_samples(self.dataset, self.batch_size):
            rows = _rows(batch)
            columns = [[_present(row, key) for row in rows] for key in keys]
            outputs = predict(*columns, on_error="skip", **self._options)
            for row, output in zip(rows, outputs, strict=True):
                if not _is_skipped(output):
                    image = _present(row, "image") if self._keep_images else None
                    yield Prediction(_without_image(row), image, output)
                elif self.on_error == "raise":
                    self._refuse(row)

    def _refuse(self, row) -> None:
        """Raises the reason why an image is unreadable, with its `image_id`."""
        converter = self.task.preprocessor.image_converter
        _, errors = converter.convert(tf.constant([row["image"]]))
        refuse_bad_images(errors.numpy(), [str(row.get("image_id", "image"))])


def _rows(batch) -> list[dict[str, Any]]:
    columns = {key: _values(value) for key, value in batch.items()}
    number = len(next(iter(columns.values())))
    return [{k: column[i] for k, column in columns.items()} for i in range(number)]


def _values(value) -> list:
    if isinstance(value, tf.RaggedTensor):
        return [_decoded(row) for row in value.to_list()]
    return [
        row if isinstance(row, np.ndarray) else _decoded(row) for row in value.numpy()
    ]


def _decoded(value):
    if isinstance(value, list):
        return [_decoded(one) for one in value]
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            # Encoded images.
            return value
    return value


def _present(row, key):
    """An input of a sample, `None` where it is missing."""
    value, present = row[key], row.get(f"{key}_present", True)
    if not isinstance(present, (list, np.ndarray)):
        return value if present else None
    return [one if there else None for one, there in zip(value, present, strict=True)]


def _is_skipped(output) -> bool:
    if isinstance(output, list):
        return bool(output) and all(one is None for one in output)
    return output is None


def _without_image(row) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "image"}
