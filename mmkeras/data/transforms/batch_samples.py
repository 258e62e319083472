from __future__ import annotations

import tensorflow as tf

from mmkeras.data.is_batched import is_batched
from mmkeras.data.require_dataset import require_dataset
from mmkeras.data.transforms.encode_image import encode_image


def batch_samples(
    dataset: tf.data.Dataset,
    batch_size: int = 32,
    shuffle_buffer: int | None = None,
    seed: int | None = None,
    drop_remainder: bool = False,
) -> tf.data.Dataset:
    """Batches samples whose captions vary in number and images in size.

    Args:
        dataset: a `tf.data.Dataset` of sample dicts. One that is batched already
            keeps its batches.
        batch_size: int, at least 1.
        shuffle_buffer: int, samples held back to draw the next from, or `None`
            to keep the order. Each pass has another order, the same for the
            same seed.
        seed: int, of the shuffling.
        drop_remainder: bool, whether to leave out an incomplete last batch.

    Returns:
        A `tf.data.Dataset` of dicts: what varies in length is a
        `tf.RaggedTensor` `[batch, (length)]`; `image` is string `[batch]`.

    Raises:
        TypeError: if it is not a dataset.
        ValueError: if the elements are not dicts with an `image` or
            `image_features`, or `batch_size` is below 1.
    """
    require_dataset(dataset)
    if batch_size < 1:
        raise ValueError(
            f"`batch_size` must be at least 1. Received: batch_size={batch_size}."
        )
    spec = dataset.element_spec
    if not isinstance(spec, dict) or not {"image", "image_features"} & spec.keys():
        raise ValueError(
            "A sample must be a dict with the key 'image' (encoded bytes or uint8 "
            f"[height, width, 3]), among others. Received elements of: {spec}."
        )
    if is_batched(spec):
        return _without_autotune(dataset)
    if shuffle_buffer:
        dataset = dataset.shuffle(
            shuffle_buffer, seed=seed, reshuffle_each_iteration=True
        )
    if "image" in spec and spec["image"].dtype != tf.string:
        # Pictures of several sizes cannot be stacked, their files can.
        dataset = dataset.map(encode_image, num_parallel_calls=tf.data.AUTOTUNE)
    dataset = dataset.ragged_batch(batch_size, drop_remainder=drop_remainder)
    options = tf.data.Options()
    # A file cannot be split between workers, elements can.
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    dataset = _without_autotune(dataset.with_options(options))
    return dataset.prefetch(tf.data.AUTOTUNE)


def _without_autotune(dataset):
    if dataset.options().autotune.enabled is not None:
        return dataset
    # The thread that tunes misses its end now and then (TensorFlow 2.21), and who lets
    # go of an iterator, as Keras does after each epoch, waits until it looks again, for
    # half a minute. Without it, `AUTOTUNE` is a thread for each core, at most 16.
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
