from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


def read_distinct(read: Callable, token_ids):
    """What a layer makes of texts, reading once those that are equal.

    The questions about the pictures of a batch are often the same few, and the rows
    that fill it up are all alike. Equal texts then share what is dropped in them.

    Args:
        read: callable, from int `[distinct, length]` to `[distinct, ...]`.
        token_ids: int `[rows, length]`.

    Returns:
        `[rows, ...]`, what `read` makes of each row.
    """
    # On a GPU it takes vectors alone.
    with tf.device("CPU:0"):
        distinct, place = tf.raw_ops.UniqueV2(x=token_ids, axis=[0])
    distinct = tf.ensure_shape(distinct, (None, *token_ids.shape[1:]))
    return tf.gather(read(distinct), place)
