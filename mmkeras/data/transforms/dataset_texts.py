"""Texts of a dataset, without its images being read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from mmkeras.data.require_dataset import require_dataset


def caption_texts(dataset: tf.data.Dataset) -> Iterator[str]:
    """All captions of a dataset.

    Args:
        dataset: a `tf.data.Dataset` of sample dicts with `caption` or `captions`,
            batched or not. The images of a source are not read.

    Yields:
        Strings that are not blank.

    Raises:
        TypeError: if it is not a dataset.
        ValueError: if the samples have no captions.
    """
    return texts_under(dataset, "caption", "captions")


def question_texts(dataset: tf.data.Dataset) -> Iterator[str]:
    """All questions of a dataset.

    Args:
        dataset: a `tf.data.Dataset` of sample dicts with `question`, batched or not.
            The images of a source are not read.

    Yields:
        Strings that are not blank.

    Raises:
        TypeError: if it is not a dataset.
        ValueError: if the samples have no questions.
    """
    return texts_under(dataset, "question")


def answer_texts(dataset: tf.data.Dataset) -> Iterator[str]:
    """All answers of a dataset.

    Args:
        dataset: a `tf.data.Dataset` of sample dicts with `answer` or `answers`,
            batched or not. Of samples with both, as in VQA v2, `answer` is read, one
            for each question. The images of a source are not read.

    Yields:
        Strings that are not blank.

    Raises:
        TypeError: if it is not a dataset.
        ValueError: if the samples have no answers.
    """
    return texts_under(dataset, "answer", "answers")


def texts_under(dataset: tf.data.Dataset, *keys: str) -> Iterator[str]:
    """All texts of a dataset under a key.

    Args:
        dataset: a `tf.data.Dataset` of sample dicts, batched or not.
        *keys: strings; the first one that the samples have is read.

    Yields:
        Strings that are not blank.

    Raises:
        TypeError: if it is not a dataset.
        ValueError: if the samples have none of the keys.
    """
    require_dataset(dataset)
    spec = dataset.element_spec
    present = [key for key in keys if isinstance(spec, dict) and key in spec]
    if not present:
        raise ValueError(
            f"A sample must have the key {' or '.join(map(repr, keys))}. "
            f"Received elements of: {spec}."
        )
    for texts in select_key(dataset, present[0]):
        if isinstance(texts, tf.RaggedTensor):
            texts = texts.flat_values
        for text in np.ravel(texts.numpy()):
            if text.strip():
                yield text.decode("utf-8")


def select_key(
    dataset: tf.data.Dataset,
    key: str,
    change: Callable[[tf.Tensor], tf.Tensor] | None = None,
) -> tf.data.Dataset:
    """The values of a dataset under a key, without the images of a source being read.

    Args:
        dataset: a `tf.data.Dataset` of sample dicts, batched or not.
        key: string.
        change: function of tensors to tensors, applied to each value, or `None`.

    Returns:
        A `tf.data.Dataset` of tensors.
    """

    def select(sample):
        return sample[key] if change is None else change(sample[key])

    options = tf.data.Options()
    # Fused with the step before, which then does not compute what is not used.
    options.experimental_optimization.map_fusion = True
    return dataset.map(select).with_options(options)
