from __future__ import annotations

import dataclasses
import pathlib

import tensorflow as tf

from mmkeras.data.sources.split_indices import split_indices


@dataclasses.dataclass
class CaptionedImages:
    """Paths and captions, from which a dataset reads the pictures as it goes.

    Args:
        ids: list of strings.
        paths: list of `pathlib.Path`, as many.
        captions: list of lists of strings, as many.
    """

    ids: list[str] = dataclasses.field(default_factory=list)
    paths: list[pathlib.Path] = dataclasses.field(default_factory=list)
    captions: list[list[str]] = dataclasses.field(default_factory=list)

    def add(self, image_id: str, path: pathlib.Path, captions: list[str]) -> None:
        """Adds one picture."""
        self.ids.append(image_id)
        self.paths.append(path)
        self.captions.append(captions)

    def dataset(self) -> tf.data.Dataset:
        """Unbatched samples: `image`, `image_id`, `captions`, in order."""
        columns = {
            "image": tf.constant([str(path) for path in self.paths], tf.string),
            "image_id": tf.constant(self.ids, tf.string),
            "captions": tf.ragged.constant(self.captions, dtype=tf.string),
        }

        def read(sample):
            return {
                "image": tf.io.read_file(sample["image"]),
                "image_id": sample["image_id"],
                "captions": sample["captions"],
            }

        return tf.data.Dataset.from_tensor_slices(columns).map(
            read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        )

    def datasets(
        self, validation_fraction: float | None, seed: int
    ) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
        """All samples as one dataset, or as two that share no picture.

        Args:
            validation_fraction: float between 0 and 1, the share of the second, or
                `None` for one dataset.
            seed: int, of the split.

        Raises:
            ValueError: if the fraction is out of range, or a part would be empty.
        """
        if validation_fraction is None:
            return self.dataset()
        train, validation = self.split(validation_fraction, seed)
        return train.dataset(), validation.dataset()

    def split(
        self, fraction: float, seed: int
    ) -> tuple[CaptionedImages, CaptionedImages]:
        """Two parts with no picture in both.

        Args:
            fraction: float between 0 and 1, the share of the second part.
            seed: int.

        Returns:
            Two `CaptionedImages`, each in the order of the whole.

        Raises:
            ValueError: if `fraction` is out of range, or a part would be empty.
        """
        parts = split_indices(len(self.ids), fraction, seed)
        first, second = (self._take(part) for part in parts)
        return first, second

    def _take(self, indices) -> CaptionedImages:
        columns = (self.ids, self.paths, self.captions)
        return CaptionedImages(*([column[i] for i in indices] for column in columns))
