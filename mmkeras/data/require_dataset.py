from __future__ import annotations

import tensorflow as tf


def require_dataset(dataset: object) -> None:
    """Refuses what is not a dataset, with a word on how to come by one.

    Args:
        dataset: whatever a user gave as one.

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
        f"and `mmkeras.data.load()` return it.{hint} Received: "
        f"{type(dataset).__name__}."
    )
