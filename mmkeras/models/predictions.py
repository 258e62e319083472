from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from mmkeras.data import batch_samples
from mmkeras.preprocessing import UnreadableError

if TYPE_CHECKING:
    from mmkeras.models import Task


class Prediction(NamedTuple):
    """A sample and what a task predicts for it.

    Attributes:
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
        task: Task,
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
        modalities = self.task.preprocessor.modalities
        encoded = [modality.key for modality in modalities if modality.encoded]
        predict = getattr(self.task, self.task.spec.verb)
        batches = batch_samples(self.dataset, self.batch_size, modalities=modalities)
        for batch in batches:
            rows = _rows(batch, encoded)
            columns = [[_present(row, key) for row in rows] for key in keys]
            outputs = predict(*columns, on_error="return", **self._options)
            for row, output in zip(rows, outputs, strict=True):
                error = _error_of(output)
                if error is None:
                    image = _present(row, encoded[0]) if self._keep_images else None
                    sample = {k: v for k, v in row.items() if k not in encoded}
                    yield Prediction(sample, image, output)
                elif self.on_error == "raise":
                    name = str(row.get(modalities[0].id_key, error.name))
                    raise UnreadableError(name, error.reason)


def _rows(batch, encoded) -> list[dict[str, Any]]:
    columns = {key: _values(value, key in encoded) for key, value in batch.items()}
    number = len(next(iter(columns.values())))
    return [{k: column[i] for k, column in columns.items()} for i in range(number)]


def _values(value, encoded) -> list:
    if isinstance(value, tf.RaggedTensor):
        return [_decoded(row) for row in value.to_list()]
    # Encoded values stay bytes, even where they would be valid text.
    return [
        row if encoded or isinstance(row, np.ndarray) else _decoded(row)
        for row in value.numpy()
    ]


def _decoded(value):
    if isinstance(value, list):
        return [_decoded(one) for one in value]
    return value.decode("utf-8") if isinstance(value, bytes) else value


def _present(row, key):
    """An input of a sample, `None` where it is missing."""
    value, present = row[key], row.get(f"{key}_present", True)
    if not isinstance(present, (list, np.ndarray)):
        return value if present else None
    return [one if there else None for one, there in zip(value, present, strict=True)]


def _error_of(output) -> UnreadableError | None:
    """The error that was returned in place of a prediction, or of several ones."""
    first = output[0] if isinstance(output, list) and output else output
    return first if isinstance(first, UnreadableError) else None
