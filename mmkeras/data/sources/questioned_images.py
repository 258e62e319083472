from __future__ import annotations

import dataclasses
import pathlib

import numpy as np
import tensorflow as tf

from mmkeras.data.sources.split_indices import split_indices


@dataclasses.dataclass
class QuestionedImages:
    """Paths and questions, from which a dataset reads the pictures as it goes.

    Args:
        ids: list of strings.
        paths: list of `pathlib.Path`, as many.
        columns: dict from a key of the samples (`"question"`, `"answer"`, ...) to a
            list with, for each picture, the list of what its questions have: strings
            or, for `"answers"`, lists of as many strings for each.
    """

    ids: list[str] = dataclasses.field(default_factory=list)
    paths: list[pathlib.Path] = dataclasses.field(default_factory=list)
    columns: dict[str, list[list]] = dataclasses.field(default_factory=dict)

    def dataset(self) -> tf.data.Dataset:
        """Unbatched samples: `image`, `image_id` and the columns, in order."""
        pictures = {
            "image": tf.constant([str(path) for path in self.paths], tf.string),
            "image_id": tf.constant(self.ids, tf.string),
        }
        ends = np.cumsum([len(asked) for asked in self.columns["question"]])
        starts, ends = tf.constant([0, *ends[:-1]]), tf.constant(ends)
        # Sliced as they are needed: slicing in advance would copy each string.
        columns = {key: _flatten(values) for key, values in self.columns.items()}

        def select(index):
            mine = slice(starts[index], ends[index])
            asked = {key: values[mine] for key, values in columns.items()}
            return {key: values[index] for key, values in pictures.items()} | asked

        def read(sample):
            return {**sample, "image": tf.io.read_file(sample["image"])}

        # A step of its own, which `select_key` can leave out.
        return (
            tf.data.Dataset.range(len(self.ids))
            .map(select)
            .map(read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        )

    def datasets(
        self, validation_fraction: float | None, seed: int
    ) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
        """All samples as one dataset, or as two that share no picture.

        Args:
            validation_fraction: float between 0 and 1, the share of the pictures in
                the second, or `None` for one dataset.
            seed: int, of the split.

        Raises:
            ValueError: if the fraction is out of range, or a part would be empty.
        """
        if validation_fraction is None:
            return self.dataset()
        parts = split_indices(len(self.ids), validation_fraction, seed)
        train, validation = (self._take(part).dataset() for part in parts)
        return train, validation

    def _take(self, indices) -> QuestionedImages:
        def take(values):
            return [values[i] for i in indices]

        columns = {key: take(values) for key, values in self.columns.items()}
        return QuestionedImages(take(self.ids), take(self.paths), columns)


def _flatten(values: list[list]) -> tf.Tensor:
    return tf.constant([value for asked in values for value in asked], tf.string)
