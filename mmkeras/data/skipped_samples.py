from __future__ import annotations

import threading
import warnings

import numpy as np
import tensorflow as tf

from mmkeras.preprocessing import shorten


class SkippedSamples:
    """Removes unreadable samples from a dataset, and records which they were.

    Each pass over the dataset is counted separately, even if a pass starts before the
    previous one has ended.

    Args:
        key: string, the key of the modality that is counted, for messages.

    Example:
        ```python
        skipped = SkippedSamples()
        for batch in skipped.drop(batches):
            ...
        skipped.count()
        skipped.warn("training")
        ```
    """

    def __init__(self, key: str = "image"):
        self.key = key
        self._lock = threading.Lock()
        self._passes: list[set[int]] = []
        self._reasons: dict[str, str] = {}
        self._counted = (-1, 0)

    @property
    def column(self) -> str:
        """The name of the count in a history, e.g. `"skipped_images"`."""
        return f"skipped_{self.key}s"

    def drop(
        self, dataset: tf.data.Dataset, batch_size: int | None = None
    ) -> tf.data.Dataset:
        """Removes the reports of unreadable rows from batches, and empty batches.

        Args:
            dataset: batches `(rest, report)`: `rest` any structure of tensors with
                the readable rows only; `report` a dict of `error`, string `[rows]`,
                `""` for a readable row, `name`, string `[rows]`, and `number`, int64
                `[rows]`, the number of the sample, by which repeated rows of a sample
                are counted once.
            batch_size: int, the size to fill batches up to from the next ones, or
                `None` to keep the readable rows of each batch.

        Returns:
            A `tf.data.Dataset` of `rest`.
        """

        def record(index, error, name, number):
            return np.int64(self._record(index, error, name, number))

        def inspect(index, batch):
            rest, report = batch
            bad = tf.not_equal(report["error"], "")
            columns = [
                tf.boolean_mask(report[key], bad) for key in ("error", "name", "number")
            ]
            # Python is called for the first batch of a pass, and for unreadable rows.
            index = tf.cond(
                tf.logical_or(index < 0, tf.reduce_any(bad)),
                lambda: tf.ensure_shape(
                    tf.numpy_function(record, [index, *columns], tf.int64), []
                ),
                lambda: index,
            )
            return index, rest

        dataset = dataset.scan(-tf.ones([], tf.int64), inspect)
        dataset = dataset.filter(
            lambda *rest: tf.shape(tf.nest.flatten(rest)[0])[0] > 0
        )
        return dataset if batch_size is None else dataset.rebatch(batch_size)

    def count(self) -> int:
        """The number of samples that the latest pass skipped since the last call."""
        with self._lock:
            latest = len(self._passes) - 1
            number = len(self._passes[latest]) if latest >= 0 else 0
            before, known = self._counted
            self._counted = (latest, number)
        return number - known if before == latest else number

    def warn(self, purpose: str) -> None:
        """Warns of all samples that were skipped, if any, naming the first few.

        Args:
            purpose: string, what the samples were read for, e.g. `"training"`.
        """
        with self._lock:
            lines = [f"{name}: {why}" for name, why in sorted(self._reasons.items())]
        if lines:
            warnings.warn(
                f"{len(lines)} {self.key}s could not be used and were left out of "
                f"{purpose}: {shorten(lines)}.",
                stacklevel=3,
            )

    def _record(self, index, errors, names, numbers) -> int:
        with self._lock:
            if index < 0:
                self._passes.append(set())
                index = len(self._passes) - 1
            self._passes[index].update(numbers.tolist())
            for error, name in zip(errors, names, strict=True):
                self._reasons[name.decode("utf-8")] = error.decode("utf-8")
        return index
