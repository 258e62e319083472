from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from mmkeras.arguments import whole_number
from mmkeras.data.modalities import MODALITIES, encoded_modality
from mmkeras.data.require_dataset import require_dataset
from mmkeras.preprocessing import Modality


def batch_samples(
    dataset: tf.data.Dataset,
    batch_size: int = 32,
    shuffle_buffer: int | None = None,
    seed: int | None = None,
    drop_remainder: bool = False,
    modalities: Sequence[Modality] | None = None,
) -> tf.data.Dataset:
    """Batches samples whose texts vary in number and images in size.

    Args:
        dataset: a `tf.data.Dataset` of sample dicts. One that is batched already
            keeps its batches.
        batch_size: int, at least 1.
        shuffle_buffer: int, size of the shuffle buffer, or `None` to keep the order.
            Each pass has a different order, which depends on the seed.
        seed: int, of the shuffling.
        drop_remainder: bool, whether to drop an incomplete last batch.
        modalities: sequence of `Modality`, of which the samples have an encoded one,
            or `None` for images.

    Returns:
        A `tf.data.Dataset` of dicts: what varies in length is a
        `tf.RaggedTensor` `[batch, (length)]`; `image` is string `[batch]`.

    Raises:
        TypeError: if it is not a dataset.
        ValueError: if the elements are not dicts with an `image` or
            `image_features`, or `batch_size` is below 1.
    """
    require_dataset(dataset)
    batch_size = whole_number("batch_size", batch_size, 1)
    spec = dataset.element_spec
    modality = encoded_modality(spec, modalities)
    if modality is None:
        keys = [repr(m.key) for m in modalities or MODALITIES if m.encoded]
        raise ValueError(
            f"A sample must be a dict with the key {' or '.join(keys)}, among others. "
            f"Received elements of: {spec}."
        )
    if modality.batched(spec):
        return _without_autotune(dataset)
    if shuffle_buffer:
        dataset = dataset.shuffle(
            shuffle_buffer, seed=seed, reshuffle_each_iteration=True
        )
    dataset = _batchable(dataset, modalities or MODALITIES)
    dataset = dataset.ragged_batch(batch_size, drop_remainder=drop_remainder)
    options = tf.data.Options()
    # A file cannot be split between workers, elements can.
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    dataset = _without_autotune(dataset.with_options(options))
    return dataset.prefetch(tf.data.AUTOTUNE)


def _batchable(dataset, modalities) -> tf.data.Dataset:
    spec = dataset.element_spec
    present = [m for m in modalities if m.encoded and m.key in spec]

    def convert(sample):
        values = {m.key: m.batchable(sample[m.key]) for m in present}
        return {**sample, **values}

    if all(spec[m.key].dtype == tf.string for m in present):
        return dataset
    return dataset.map(convert, num_parallel_calls=tf.data.AUTOTUNE)


def _without_autotune(dataset):
    if dataset.options().autotune.enabled is not None:
        return dataset
    # The tuning thread now and then misses its end (TensorFlow 2.21), and releasing an
    # iterator, as Keras does after each epoch, then waits for it for half a minute.
    # Without it, `AUTOTUNE` is a thread for each core, at most 16.
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
