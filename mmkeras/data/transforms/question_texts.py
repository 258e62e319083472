from __future__ import annotations

from collections.abc import Iterator

import tensorflow as tf

from mmkeras.data.transforms.dataset_texts import dataset_texts


def question_texts(dataset: tf.data.Dataset) -> Iterator[str]:
    """Every question of a dataset; the pictures of a source are not read for it.

    Args:
        dataset: a `tf.data.Dataset` of sample dicts with `question`, batched or not.

    Yields:
        Strings that are not empty.

    Raises:
        TypeError: if it is not a dataset.
        ValueError: if the samples have no questions.
    """
    return dataset_texts(dataset, ("question",))
