from __future__ import annotations

from typing import TYPE_CHECKING

from keras import ops

if TYPE_CHECKING:
    import tensorflow as tf


def masked_softmax(scores: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
    """Softmax over the last axis in float32, restricted to unmasked positions.

    Args:
        scores: float `[..., length]`, finite also where the mask is False.
        mask: bool, of the same shape or broadcast to it, or `None`.

    Returns:
        float32, of the shape of the scores. Weights sum to 1 over the last axis;
        they are 0 where the mask is False, even if it is False everywhere.
    """
    scores = ops.cast(scores, "float32")
    if mask is not None:
        scores = ops.where(mask, scores, -1e9)
    if scores.shape[-1] == 1:
        # `ops.softmax` warns about a single position, e.g. an image of one region.
        weights = ops.exp(ops.log_softmax(scores, axis=-1))
    else:
        weights = ops.softmax(scores, axis=-1)
    return weights if mask is None else ops.where(mask, weights, 0.0)
