from __future__ import annotations

import dataclasses
import pathlib

import numpy as np
import tensorflow as tf

from mmkeras.data.sources.split_indices import split_indices


@dataclasses.dataclass
class ImageTable:
    """Paths of images and texts about them, as a dataset that reads images lazily.

    Args:
        ids: list of strings, the ids of the images.
        paths: list of `pathlib.Path`, one for each image.
        columns: dict from a key of the samples (`"captions"`, `"question"`, ...) to a
            list with a list of values for each image: strings or, for `"answers"`,
            lists of strings, all of one length.
    """

    ids: list[str]
    paths: list[pathlib.Path]
    columns: dict[str, list[list]]

    def dataset(self) -> tf.data.Dataset:
        """Builds a dataset of all samples, in order.

        Returns:
            An unbatched `tf.data.Dataset` of dicts `image` (string, encoded bytes),
            `image_id` (string) and the columns (string `[values]`).
        """
        images = {
            "image": tf.constant([str(path) for path in self.paths], tf.string),
            "image_id": tf.constant(self.ids, tf.string),
        }
        # Sliced as they are needed: slicing in advance would copy each string.
        columns = {key: _flatten(values) for key, values in self.columns.items()}

        def select(index):
            texts = {
                key: flat[starts[index] : starts[index + 1]]
                for key, (flat, starts) in columns.items()
            }
            return {key: values[index] for key, values in images.items()} | texts

        def read(sample):
            return {**sample, "image": tf.io.read_file(sample["image"])}

        # Reading is a step of its own, which `select_key` can skip.
        return (
            tf.data.Dataset.range(len(self.ids))
            .map(select)
            .map(read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        )

    def datasets(
        self, validation_fraction: float | None, seed: int
    ) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
        """Builds one dataset of all samples, or two that share no image.

        Args:
            validation_fraction: float between 0 and 1, the fraction of the images in
                the second dataset, or `None` for one dataset.
            seed: int, the seed of the split.

        Raises:
            ValueError: if the fraction is out of range, or a dataset would be empty.
        """
        if validation_fraction is None:
            return self.dataset()
        parts = split_indices(len(self.ids), validation_fraction, seed)
        train, validation = (self._take(part).dataset() for part in parts)
        return train, validation

    def _take(self, indices) -> ImageTable:
        def take(values):
            return [values[i] for i in indices]

        columns = {key: take(values) for key, values in self.columns.items()}
        return ImageTable(take(self.ids), take(self.paths), columns)


def _flatten(values: list[list]) -> tuple[tf.Tensor, tf.Tensor]:
    """All values of a column, and where those of each image start, with the end."""
    starts = np.cumsum([0, *map(len, values)], dtype=np.int64)
    flat = [value for of_image in values for value in of_image]
    return tf.constant(flat, tf.string), tf.constant(starts)
