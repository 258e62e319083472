from __future__ import annotations

import threading
import warnings

import numpy as np
import tensorflow as tf

_NAMED = 3


class SkippedImages:
    """Leaves bad pictures out of a dataset, and knows which they were.

    Each pass over the dataset is counted on its own, also where the next begins
    before the one before has ended.

    Example:
        ```python
        skipped = SkippedImages()
        for batch in skipped.drop(batches):
            ...
        skipped.count()
        skipped.warn()
        ```
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._passes: list[set[int]] = []
        self._reasons: dict[str, str] = {}
        self._counted = (-1, 0)

    def drop(
        self, dataset: tf.data.Dataset, batch_size: int | None = None
    ) -> tf.data.Dataset:
        """The dataset without the rows of bad pictures.

        Args:
            dataset: batches `(rest, report)`: `rest` any structure of tensors with
                the good rows only, `report` a dict of `error`, string `[rows]`,
                empty where a picture is good; `name`, string `[rows]`, what to call
                it; and `picture`, int64 `[rows]`, its number, the same for rows of
                the same picture.
            batch_size: int, to fill the batches up again, or `None` to keep them as
                they are, but for those without a good row.

        Returns:
            A `tf.data.Dataset` of `rest`.
        """

        def record(number, error, name, picture):
            return np.int64(self._record(number, error, name, picture))

        def look(number, batch):
            rest, report = batch
            bad = tf.not_equal(report["error"], "")
            # Python is called for the first batch of a pass, and for a bad one.
            number = tf.cond(
                tf.logical_or(number < 0, tf.reduce_any(bad)),
                lambda: tf.ensure_shape(
                    tf.numpy_function(
                        record,
                        [
                            number,
                            *(
                                tf.boolean_mask(report[key], bad)
                                for key in ("error", "name", "picture")
                            ),
                        ],
                        tf.int64,
                    ),
                    [],
                ),
                lambda: number,
            )
            return number, rest

        dataset = dataset.scan(-tf.ones([], tf.int64), look)
        dataset = dataset.filter(
            lambda *rest: tf.shape(tf.nest.flatten(rest)[0])[0] > 0
        )
        return dataset if batch_size is None else dataset.rebatch(batch_size)

    def count(self) -> int:
        """How many pictures the latest pass has left out since this was last asked."""
        with self._lock:
            latest = len(self._passes) - 1
            number = len(self._passes[latest]) if latest >= 0 else 0
            before, known = self._counted
            self._counted = (latest, number)
        return number - known if before == latest else number

    def warn(self, what: str) -> None:
        """Warns of all that were left out, if any, naming the first few.

        Args:
            what: string, what the pictures were for, e.g. `"training"`.
        """
        with self._lock:
            reasons = sorted(self._reasons.items())
        if not reasons:
            return
        named = "; ".join(f"{name}: {reason}" for name, reason in reasons[:_NAMED])
        more = f"; and {len(reasons) - _NAMED} more" if len(reasons) > _NAMED else ""
        warnings.warn(
            f"{len(reasons)} images could not be used and were left out of {what}: "
            f"{named}{more}.",
            stacklevel=3,
        )

    def _record(self, number, errors, names, pictures) -> int:
        with self._lock:
            if number < 0:
                self._passes.append(set())
                number = len(self._passes) - 1
            self._passes[number].update(pictures.tolist())
            for error, name in zip(errors, names, strict=True):
                self._reasons[name.decode("utf-8")] = error.decode("utf-8")
        return number
