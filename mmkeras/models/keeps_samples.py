from __future__ import annotations

import tensorflow as tf

from mmkeras.data.is_batched import is_batched
from mmkeras.models.kept_samples import KeptSample, choose_samples, read_samples


class KeepsSamples:
    """A few samples in a preset, on which exported files are checked.

    A subclass is a task with a `preprocessor`.
    """

    # Whether it is asked questions.
    asks = False
    _kept: tuple[KeptSample, ...] | None = None
    _kept_in: str | None = None

    @property
    def samples(self) -> tuple[KeptSample, ...]:
        """What the preset keeps for checks of exported files (`keep_samples`).

        Raises:
            ValueError: if the files in the preset are damaged.
        """
        # Read when they are asked for: nobody else should fail of their damage.
        if self._kept is None and self._kept_in is not None:
            self._kept = read_samples(self._kept_in)
        return self._kept or ()

    @samples.setter
    def samples(self, samples):
        self._kept = tuple(samples)

    def keep_samples(self, dataset: tf.data.Dataset, number: int = 16) -> None:
        """Keeps a few samples in the preset, on which exported files are checked.

        The pictures are kept at the size of the model, and the first question of each.

        Args:
            dataset: a `tf.data.Dataset` of sample dicts, not batched. Pictures that
                cannot be read are passed over.
            number: int, how many.

        Raises:
            ValueError: if the dataset is batched.
        """
        if is_batched(dataset.element_spec):
            raise ValueError(
                "`keep_samples` takes single samples. Give it the dataset before it is "
                "batched, or `dataset.unbatch()`."
            )
        converter = self.preprocessor.image_converter
        self.samples = choose_samples(
            dataset,
            *converter.image_size,
            converter.crop_to_aspect_ratio,
            number,
            asks=self.asks,
        )
