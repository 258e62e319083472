from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from mmkeras.data.require_dataset import require_dataset


def caption_texts(dataset: tf.data.Dataset) -> Iterator[str]:
    """Every caption of a dataset, without reading a picture more than once.

    Args:
        dataset: a `tf.data.Dataset` of sample dicts with `caption` or
            `captions`, batched or not.

    Yields:
        Strings that are not empty.

    Raises:
        TypeError: if it is not a dataset.
        ValueError: if the samples have no captions.
    """
    require_dataset(dataset)
    spec = dataset.element_spec
    keys = [k for k in ("caption", "captions") if isinstance(spec, dict) and k in spec]
    if not keys:
        raise ValueError(
            "A sample must have the key 'caption' or 'captions'. "
            f"Received elements of: {spec}."
        )
    for captions in dataset.map(lambda sample: sample[keys[0]]):
        if isinstance(captions, tf.RaggedTensor):
            captions = captions.flat_values
        for text in np.ravel(captions.numpy()):
            if text.strip():
                yield text.decode("utf-8")
