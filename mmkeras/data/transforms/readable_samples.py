from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from mmkeras.data.decode_samples import decode_samples
from mmkeras.data.transforms.batch_samples import batch_samples
from mmkeras.data.transforms.number_samples import number_samples
from mmkeras.preprocessing.unreadable import unreadable

if TYPE_CHECKING:
    from mmkeras.models import TaskPreprocessor


def readable_samples(
    samples: tf.data.Dataset, preprocessor: TaskPreprocessor, batch_size: int = 32
) -> tuple[tf.data.Dataset, list[str]]:
    """Removes the samples that cannot be decoded, after one pass over all of them.

    For measurements that read the same samples several times, or have no `on_error`
    option. Missing images (`image_present` is False) are not errors.

    Args:
        samples: an unbatched `tf.data.Dataset` of sample dicts with `image`, in the
            same order at every pass.
        preprocessor: the preprocessor of a task, whose `modalities` are decoded.
        batch_size: int, the number of samples decoded at a time.

    Returns:
        The dataset without these samples; and for each sample that was removed its
        name and the reason.

    Raises:
        ValueError: if no sample can be decoded.
    """
    modalities = tuple(m for m in preprocessor.modalities if m.encoded)
    numbered = number_samples(samples, modalities)
    bad, total = _unreadable_samples(numbered, modalities, batch_size)
    if not bad:
        return samples, []
    if len(bad) == total:
        raise ValueError(
            f"None of the {total} {modalities[0].key}s can be used: "
            f"{next(iter(bad.values()))}. Convert them."
        )
    numbers = tf.constant(list(bad), tf.int64)

    def without_number(sample):
        return {key: value for key, value in sample.items() if key != "sample_number"}

    readable = numbered.filter(
        lambda sample: tf.reduce_all(tf.not_equal(sample["sample_number"], numbers))
    ).map(without_number)
    count = tf.data.experimental.assert_cardinality(total - len(bad))
    return readable.apply(count), list(bad.values())


def _unreadable_samples(numbered, modalities, batch_size) -> tuple[dict[int, str], int]:
    """Names and reasons by the number of the sample, and the number of all samples."""
    keys = {"sample_number"}.union(
        *({m.key, m.id_key, m.present_key} for m in modalities)
    )

    @tf.function(reduce_retracing=True, autograph=False)
    def decode(batch):
        _, errors, names = decode_samples(batch, modalities)
        bad = tf.not_equal(errors, "")
        columns = (batch["sample_number"], names, errors)
        return [tf.boolean_mask(column, bad) for column in columns]

    def needed(sample):
        return {key: value for key, value in sample.items() if key in keys}

    bad, total = {}, 0
    batches = batch_samples(numbered.map(needed), batch_size, modalities=modalities)
    for batch in batches:
        numbers, names, errors = (column.numpy() for column in decode(batch))
        bad.update(zip(numbers.tolist(), unreadable(names, errors), strict=True))
        total += len(batch["sample_number"])
    return bad, total
