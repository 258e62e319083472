from __future__ import annotations

import tensorflow as tf


def encode_image(sample: dict) -> dict:
    """A sample with its picture as the bytes of a PNG, in graph.

    Args:
        sample: dict with `image`, uint8 `[height, width, channels]`, which is
            encoded, or string, which is left as it is.
    """
    if sample["image"].dtype == tf.string:
        return sample
    return {**sample, "image": tf.io.encode_png(sample["image"], compression=1)}
