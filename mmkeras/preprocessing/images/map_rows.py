from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


def map_rows(function: Callable[[tf.Tensor], tf.Tensor], rows: tf.Tensor) -> tf.Tensor:
    """Applies a function to each row, in graph, as `tf.map_fn` does.

    A graph with `tf.map_fn` contains the function itself, so every iterator of a
    dataset that maps it instantiates the function, even where it never runs. The
    function of a dataset is instantiated only when it runs.

    Args:
        function: callable from a row to a tensor.
        rows: tensor `[rows, ...]` with at least one row.

    Returns:
        Tensor `[rows, ...]`, the results.
    """
    number = tf.shape(rows, out_type=tf.int64)[0]
    # Autograph would rewrite the function of a dataset, which is not needed.
    function = tf.autograph.experimental.do_not_convert(function)
    dataset = tf.data.Dataset.from_tensor_slices(rows).map(function)
    return dataset.batch(number).get_single_element()
