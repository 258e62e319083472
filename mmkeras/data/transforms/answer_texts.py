from __future__ import annotations

from collections.abc import Iterator

import tensorflow as tf

from mmkeras.data.transforms.dataset_texts import dataset_texts


def answer_texts(dataset: tf.data.Dataset) -> Iterator[str]:
    """Every answer of a dataset; the pictures of a source are not read for it.

    Args:
        dataset: a `tf.data.Dataset` of sample dicts with `answer` or `answers`,
            batched or not. Where a sample has both, as in VQA v2, `answer` is taken:
            one a question.

    Yields:
        Strings that are not empty.

    Raises:
        TypeError: if it is not a dataset.
        ValueError: if the samples have no answers.
    """
    return dataset_texts(dataset, ("answer", "answers"))
