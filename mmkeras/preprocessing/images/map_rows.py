from collections.abc import Callable

import tensorflow as tf


def map_rows(function: Callable[[tf.Tensor], tf.Tensor], rows: tf.Tensor) -> tf.Tensor:
    """Apply a function to each row, in graph, as `tf.map_fn` does.

    A graph that holds `tf.map_fn` holds its function as well, and so every iterator
    of a dataset that maps it has to set that up, even where it never runs. The
    function of a dataset is set up when it runs.

    Args:
        function: From a row to a tensor.
        rows: Tensor `[rows, ...]` with at least one row.

    Returns:
        Tensor `[rows, ...]` of what the function returned.
    """
    number = tf.shape(rows, out_type=tf.int64)[0]
    # Autograph rewrites what is handed to a dataset, and there is nothing to rewrite.
    function = tf.autograph.experimental.do_not_convert(function)
    dataset = tf.data.Dataset.from_tensor_slices(rows).map(function)
    return dataset.batch(number).get_single_element()
