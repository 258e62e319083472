from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


def select_key(
    dataset: tf.data.Dataset, key: str, change: Callable | None = None
) -> tf.data.Dataset:
    """What the samples of a dataset have under a key.

    From a dataset as a source returns it, whose last step reads the pictures, none is
    read.

    Args:
        dataset: a `tf.data.Dataset` of sample dicts, batched or not.
        key: string.
        change: function of tensors to tensors, applied to each value, or `None`.

    Returns:
        A `tf.data.Dataset` of tensors.
    """

    def select(sample):
        return sample[key] if change is None else change(sample[key])

    options = tf.data.Options()
    # As one step with the one before, which then does not make what is not taken.
    options.experimental_optimization.map_fusion = True
    return dataset.map(select).with_options(options)
