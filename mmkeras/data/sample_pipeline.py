from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from mmkeras.arguments import check_choice
from mmkeras.data.decode_samples import decode_samples
from mmkeras.data.modalities import is_batched
from mmkeras.data.require_dataset import require_dataset
from mmkeras.data.skipped_samples import SkippedSamples
from mmkeras.data.transforms.batch_samples import batch_samples
from mmkeras.data.transforms.number_samples import number_samples

if TYPE_CHECKING:
    import keras

_SHUFFLE_BUFFER = 1024


class Batches(NamedTuple):
    """Batches that a step of a model takes.

    `dataset` is a `tf.data.Dataset` of one pass; `steps` the number of batches, or
    `None` if it is unknown, where skipped samples are counted in; `skipped` records
    the samples that are skipped, and is `None` if none may be.
    """

    dataset: tf.data.Dataset
    steps: int | None
    skipped: SkippedSamples | None


class SamplePipeline:
    """Makes batches that a step of a model takes from samples.

    Args:
        preprocessor: a Keras layer from a batch of samples to what a step takes, with
            `modalities` (`Modality`), e.g. a `TaskPreprocessor`.
        batch_size: int, for datasets that are not batched yet.
        on_error: string, `"raise"` an error for a sample that cannot be decoded, or
            `"skip"` it.
        draw: function from training batches and a seed to batches with one target for
            each row, different ones at each pass, or `None`.
        expand: function from samples to samples with one row for each target, for
            evaluation, or `None`.
        finish: function from preprocessed batches to what a step takes, e.g. without
            unnecessary padding, or `None`.
        refill: bool, whether batches with skipped samples are filled up from the next
            ones; not possible if rows differ in shape from batch to batch.

    Example:
        ```python
        pipeline = SamplePipeline(preprocessor, batch_size=32, on_error="skip")
        batches = pipeline.training(train, seed=0)
        model.fit(batches.dataset)
        batches.skipped.warn("training")
        ```
    """

    def __init__(
        self,
        preprocessor: keras.layers.Layer,
        batch_size: int = 32,
        on_error: str = "raise",
        *,
        draw: Callable | None = None,
        expand: Callable | None = None,
        finish: Callable | None = None,
        refill: bool = True,
    ):
        check_choice("on_error", on_error, ("raise", "skip"))
        self.preprocessor = preprocessor
        self.modalities = preprocessor.modalities
        self.batch_size = batch_size
        self.on_error = on_error
        self.draw, self.expand, self.finish = draw, expand, finish
        self.refill = refill

    def training(
        self,
        samples: tf.data.Dataset,
        shuffle_buffer: int | None = None,
        seed: int = 0,
    ) -> Batches:
        """Shuffled batches, each pass in a different order.

        Args:
            samples: a `tf.data.Dataset` of sample dicts, batched (which are not
                shuffled) or not.
            shuffle_buffer: int, size of the shuffle buffer, or `None` for 1,024.
            seed: int, of the shuffling and of drawn targets.

        Raises:
            TypeError: if it is not a dataset.
            ValueError: if the dataset has no samples.
        """
        batches = batch_samples(
            self._numbered(samples),
            self.batch_size,
            shuffle_buffer=shuffle_buffer or _SHUFFLE_BUFFER,
            seed=seed,
            modalities=self.modalities,
        )
        if int(batches.cardinality()) == 0:
            raise ValueError(
                "The training dataset has no samples. Check its split, or the "
                "filter that made it."
            )
        if self.draw is not None:
            batches = self.draw(batches, seed)
        return self._prepared(batches, samples.element_spec)

    def evaluation(self, samples: tf.data.Dataset) -> Batches:
        """Batches of all samples in order, each target once.

        Args:
            samples: a `tf.data.Dataset` of sample dicts, batched or not.

        Raises:
            TypeError: if it is not a dataset.
        """
        samples = self._numbered(samples)
        if self.expand is not None:
            samples = self.expand(samples)
        batches = batch_samples(samples, self.batch_size, modalities=self.modalities)
        return self._prepared(batches, samples.element_spec)

    def _numbered(self, samples) -> tf.data.Dataset:
        require_dataset(samples)
        if self.on_error == "raise":
            return samples
        return number_samples(samples, self.modalities)

    def _prepared(self, batches, spec) -> Batches:
        number = int(batches.cardinality())
        skipped = None
        if self.on_error == "raise":
            batches = batches.map(
                self.preprocessor, num_parallel_calls=tf.data.AUTOTUNE
            )
        else:
            encoded = next(m for m in self.modalities if m.encoded)
            skipped = SkippedSamples(encoded.key)
            # Batches that were given keep their rows.
            refill = self.refill and not is_batched(spec, self.modalities)
            batches = skipped.drop(
                batches.map(self._readable, num_parallel_calls=tf.data.AUTOTUNE),
                self.batch_size if refill else None,
            )
        if self.finish is not None:
            batches = self.finish(batches)
        batches = batches.prefetch(tf.data.AUTOTUNE)
        return Batches(batches, number if number > 0 else None, skipped)

    def _readable(self, batch) -> tuple:
        """The preprocessed rows that can be decoded, and a report on all rows."""
        decoded, errors, names = decode_samples(batch, self.modalities)
        valid = tf.equal(errors, "")
        decoded = {
            key: tf.ragged.boolean_mask(value, valid)
            if isinstance(value, tf.RaggedTensor)
            else tf.boolean_mask(value, valid)
            for key, value in decoded.items()
        }
        report = {"error": errors, "name": names, "number": batch["sample_number"]}
        return self.preprocessor(decoded), report
