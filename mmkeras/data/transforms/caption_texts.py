from __future__ import annotations

from collections.abc import Iterator

import tensorflow as tf

from mmkeras.data.transforms.dataset_texts import dataset_texts


def caption_texts(dataset: tf.data.Dataset) -> Iterator[str]:
    """Every caption of a dataset; the pictures of a source are not read for it.

    Args:
        dataset: a `tf.data.Dataset` of sample dicts with `caption` or
            `captions`, batched or not.

    Yields:
        Strings that are not empty.

    Raises:
        TypeError: if it is not a dataset.
        ValueError: if the samples have no captions.
    """
    return dataset_texts(dataset, ("caption", "captions"))
