from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from mmkeras.data.name_rows import label_rows
from mmkeras.preprocessing import Modality


class DecodedSamples(NamedTuple):
    """A decoded batch.

    `batch` is the dict with decoded values (`Modality.input_key`) in place of raw ones;
    `errors` is string `[rows]`, the reason why a row cannot be used, `""` for the
    others; `names` is string `[rows]`, for messages: the id of a sample, or e.g.
    `"image 3"`.
    """

    batch: dict[str, Any]
    errors: tf.Tensor
    names: tf.Tensor


def decode_samples(
    batch: Mapping[str, Any], modalities: Iterable[Modality]
) -> DecodedSamples:
    """Decodes the encoded modalities of a batch, each row failing alone, in graph.

    What cannot be decoded is found out here alone, for training, evaluation and the
    feature cache.

    Args:
        batch: dict of a batch. For each encoded modality it has raw values, decoded
            values, or cached features, with their errors if they were kept.
        modalities: iterable of `Modality`.

    Returns:
        `DecodedSamples`. Rows whose optional modality is missing have no error.

    Raises:
        ValueError: if the batch lacks a modality.
    """
    encoded = [modality for modality in modalities if modality.encoded]
    parts = [_decode(batch, modality) for modality in encoded]
    decoded = dict(batch)
    for modality, (value, _) in zip(encoded, parts, strict=True):
        if value is not None:
            del decoded[modality.key]
            decoded[modality.input_key] = value
    errors = parts[0][1]
    for _, others in parts[1:]:
        errors = tf.where(tf.equal(errors, ""), others, errors)
    names = label_rows(batch, tf.size(errors), encoded[0].key)
    return DecodedSamples(decoded, errors, names)


def _decode(batch, modality) -> tuple[tf.Tensor | None, tf.Tensor]:
    """The decoded value, `None` where there is nothing to decode, and errors."""
    for key in (modality.features_key, modality.input_key):
        if key in batch:
            no_error = tf.fill(tf.shape(batch[key])[:1], "")
            return None, batch.get(modality.error_key, no_error)
    if modality.key not in batch:
        raise ValueError(missing_key(modality.key, batch))
    value, errors = modality.decode(batch[modality.key])
    if modality.optional and modality.present_key in batch:
        errors = tf.where(batch[modality.present_key], errors, "")
    return value, errors


def missing_key(key: str, sample: Mapping[str, Any]) -> str:
    """The message for samples without a key that the task needs."""
    return (
        f"A sample must have the key '{key}'. Map the dataset to dicts that have it. "
        f"Received the keys: {sorted(sample)}"
    )
