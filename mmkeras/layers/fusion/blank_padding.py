from __future__ import annotations

from keras import ops


def blank_padding(tokens, masks):
    """The tokens of each modality, with 0 wherever they do not count.

    Args:
        tokens: list of float `[rows, n_k, dim]`.
        masks: list of bool `[rows, n_k]`.
    """
    # Not a product, which would keep NaN and infinity.
    return [
        ops.where(ops.expand_dims(mask, -1), x, ops.zeros_like(x))
        for x, mask in zip(tokens, masks, strict=True)
    ]
