from __future__ import annotations

from keras import ops


def masked_softmax(scores, mask):
    """Softmax over the last axis, of what counts.

    Args:
        scores: float `[..., length]`, finite also where the mask is False.
        mask: bool, of the same shape or broadcast to it.

    Returns:
        float32, of the shape of the scores, with a sum of 1; 0 where the mask is
        False, even if it is False everywhere.
    """
    scores = ops.where(mask, ops.cast(scores, "float32"), -1e9)
    return ops.where(mask, ops.softmax(scores, axis=-1), 0.0)
