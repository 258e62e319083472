from __future__ import annotations

import tensorflow as tf

from mmkeras.data.is_batched import is_batched


def number_samples(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Gives each sample its place in the dataset, by which it can be told later.

    Args:
        dataset: a `tf.data.Dataset` of sample dicts with `image` or
            `image_features`, batched or not.

    Returns:
        The dataset with `sample_number`, int64, scalar or `[batch]`, from 0.
    """

    batched = is_batched(dataset.element_spec)

    def number(start, sample):
        if not batched:
            return start + 1, {**sample, "sample_number": start}
        picture = sample["image" if "image" in sample else "image_features"]
        after = start + tf.shape(picture, out_type=tf.int64)[0]
        return after, {**sample, "sample_number": tf.range(start, after)}

    return dataset.scan(tf.zeros([], tf.int64), number)
