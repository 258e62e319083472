from __future__ import annotations

from keras import ops


def attention_by_modality(weights, masks):
    """Attention over the tokens of all modalities, as that within each.

    Args:
        weights: float32 `[rows, n_1 + ... + n_K]`, 0 where the mask is False.
        masks: list of K bool `[rows, n_k]`.

    Returns:
        List of K float32 `[rows, n_k]`, with a sum of 1 each, or of 0 where a
        modality is absent.
    """
    shares, start = [], 0
    for mask in masks:
        end = start + ops.shape(mask)[1]
        # The small number is for a modality that got no attention at all.
        part = weights[:, start:end] + 1e-30 * ops.cast(mask, "float32")
        total = ops.sum(part, axis=1, keepdims=True)
        shares.append(part / ops.maximum(total, 1e-30))
        start = end
    return shares
