from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf


def name_rows(
    batch: Mapping[str, Any], rows: tf.Tensor, key: str = "image"
) -> tuple[tf.Tensor, str]:
    """Names of the rows of a batch for error messages, in graph.

    Args:
        batch: dict of a batch.
        rows: int scalar, the number of rows.
        key: string, the key of the modality that errors are about.

    Returns:
        string `[rows]`, and a word to put before each: the ids of the samples, and
        e.g. `"image_id"`; or their numbers in the dataset (`number_samples`), and
        `"image"`; or their places in the batch, and `"row"`.
    """
    if f"{key}_id" in batch:
        ids = tf.convert_to_tensor(batch[f"{key}_id"])
        ids = ids if ids.dtype == tf.string else tf.strings.as_string(ids)
        return ids, f"{key}_id"
    if "sample_number" in batch:
        return tf.strings.as_string(batch["sample_number"]), key
    return tf.strings.as_string(tf.range(rows)), "row"


def label_rows(
    batch: Mapping[str, Any], rows: tf.Tensor, key: str = "image"
) -> tf.Tensor:
    """Names of the rows of a batch as lists show them: ids alone, or `"image 3"`.

    Args:
        batch: dict of a batch.
        rows: int scalar, the number of rows.
        key: string, the key of the modality that errors are about.

    Returns:
        string `[rows]`.
    """
    names, kind = name_rows(batch, rows, key)
    return names if kind.endswith("_id") else tf.strings.join([f"{kind} ", names])
