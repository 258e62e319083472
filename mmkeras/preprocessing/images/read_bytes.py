"""Bytes of a file as numbers, the ground of the readers of headers."""

from collections.abc import Sequence

import tensorflow as tf


def read_bytes(data: tf.Tensor, start: tf.Tensor | int, length: int) -> tf.Tensor:
    """Read bytes of a string, and zeros beyond its end.

    Args:
        data: Scalar `tf.string`.
        start: Scalar `int64`. A place beyond the end reads zeros; one before the
            beginning is the beginning.
        length: int.

    Returns:
        `int64` `[length]`, each 0 to 255.
    """
    size = tf.strings.length(data)
    # `substr` raises beyond the end, and takes both places in one type.
    start = tf.clip_by_value(tf.cast(start, tf.int64), 0, tf.cast(size, tf.int64))
    part = tf.strings.substr(data, tf.cast(start, tf.int32), length)
    numbers = tf.io.decode_raw(part, tf.uint8, fixed_length=length)
    return tf.ensure_shape(tf.cast(numbers, tf.int64), [length])


def read_number(numbers: tf.Tensor, places: Sequence[int]) -> tf.Tensor:
    """Put bytes together to one unsigned number.

    Args:
        numbers: `int64` `[..., length]`, as `read_bytes` returns them.
        places: Indices of the bytes, from the most significant one.

    Returns:
        `int64` `[...]`.
    """
    # One sum, not a chain: a graph is copied for every iterator of a dataset.
    weights = [256**power for power in reversed(range(len(places)))]
    chosen = tf.gather(numbers, list(places), axis=-1)
    return tf.reduce_sum(chosen * tf.constant(weights, numbers.dtype), axis=-1)
