from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from mmkeras.data.modalities import encoded_modality
from mmkeras.preprocessing import Modality


def number_samples(
    dataset: tf.data.Dataset, modalities: Sequence[Modality] | None = None
) -> tf.data.Dataset:
    """Adds to each sample its number in the dataset, by which it is identified later.

    Args:
        dataset: a `tf.data.Dataset` of sample dicts, batched or not.
        modalities: sequence of `Modality`, of which the samples have an encoded one,
            or `None` for images.

    Returns:
        The dataset with `sample_number`, int64, scalar or `[batch]`, from 0.
    """
    modality = encoded_modality(dataset.element_spec, modalities)
    batched = modality is not None and modality.batched(dataset.element_spec)

    def number(start, sample):
        if not batched:
            return start + 1, {**sample, "sample_number": start}
        end = start + modality.number_of_rows(sample)
        return end, {**sample, "sample_number": tf.range(start, end)}

    return dataset.scan(tf.zeros([], tf.int64), number)
