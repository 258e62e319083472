from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from mmkeras.data.require_dataset import require_dataset
from mmkeras.data.transforms.select_key import select_key


def dataset_texts(dataset: tf.data.Dataset, keys: tuple[str, ...]) -> Iterator[str]:
    """Every text of a dataset under a key, as `select_key` reads it.

    Args:
        dataset: a `tf.data.Dataset` of sample dicts, batched or not.
        keys: tuple of strings, of which the first that the samples have is taken.

    Yields:
        Strings that are not empty.

    Raises:
        TypeError: if it is not a dataset.
        ValueError: if the samples have none of the keys.
    """
    require_dataset(dataset)
    spec = dataset.element_spec
    found = [key for key in keys if isinstance(spec, dict) and key in spec]
    if not found:
        raise ValueError(
            f"A sample must have the key {' or '.join(map(repr, keys))}. "
            f"Received elements of: {spec}."
        )
    for texts in select_key(dataset, found[0]):
        if isinstance(texts, tf.RaggedTensor):
            texts = texts.flat_values
        for text in np.ravel(texts.numpy()):
            if text.strip():
                yield text.decode("utf-8")
