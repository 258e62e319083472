"""Bytes of a file as numbers, for readers of headers."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf


def read_bytes(data: tf.Tensor, start: tf.Tensor | int, length: int) -> tf.Tensor:
    """Reads bytes of a string; bytes beyond its end are zero.

    Args:
        data: string scalar.
        start: int64 scalar. Negative values count as 0.
        length: int, number of bytes.

    Returns:
        int64 `[length]`, each from 0 to 255.
    """
    size = tf.strings.length(data)
    # `substr` raises beyond the end, and needs both arguments of the same dtype.
    start = tf.clip_by_value(tf.cast(start, tf.int64), 0, tf.cast(size, tf.int64))
    part = tf.strings.substr(data, tf.cast(start, tf.int32), length)
    numbers = tf.io.decode_raw(part, tf.uint8, fixed_length=length)
    return tf.ensure_shape(tf.cast(numbers, tf.int64), [length])


def read_number(numbers: tf.Tensor, places: Sequence[int]) -> tf.Tensor:
    """Combines bytes to an unsigned number.

    Args:
        numbers: int64 `[..., length]`, of `read_bytes`.
        places: sequence of int, indices of the bytes, the most significant one first.

    Returns:
        int64 `[...]`.
    """
    # A single sum, not a chain: graphs are copied for every iterator of a dataset.
    weights = [256**power for power in reversed(range(len(places)))]
    chosen = tf.gather(numbers, list(places), axis=-1)
    return tf.reduce_sum(chosen * tf.constant(weights, numbers.dtype), axis=-1)
