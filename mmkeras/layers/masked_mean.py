from __future__ import annotations

from typing import TYPE_CHECKING

from keras import ops

if TYPE_CHECKING:
    import tensorflow as tf


def masked_mean(x: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """The mean over the valid tokens, computed in float32 whatever the dtype of `x`.

    Args:
        x: float `[rows, length, dim]`, finite also where the mask is False.
        mask: bool `[rows, length]`.

    Returns:
        `[rows, dim]`, of the dtype of `x`; 0 for a row without valid tokens.
    """
    counts = ops.expand_dims(ops.cast(mask, "float32"), -1)
    total = ops.sum(ops.cast(x, "float32") * counts, axis=1)
    return ops.cast(total / ops.maximum(ops.sum(counts, axis=1), 1.0), x.dtype)
