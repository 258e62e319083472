from __future__ import annotations

import tensorflow as tf


def require_dataset(dataset: object) -> None:
    """Checks that an argument is a dataset, and tells how to get one.

    Args:
        dataset: the argument.

    Raises:
        TypeError: if it is not a `tf.data.Dataset`.
    """
    if isinstance(dataset, tf.data.Dataset):
        return
    hint = ""
    if isinstance(dataset, tuple):
        hint = " A split gives several datasets: unpack them."
    raise TypeError(
        "Expected a `tf.data.Dataset` of sample dicts, as `mmkeras.data.from_folder()` "
        f"and `mmkeras.data.load()` return.{hint} Received: "
        f"{type(dataset).__name__}."
    )
