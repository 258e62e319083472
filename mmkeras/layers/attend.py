from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from keras import ops

from mmkeras.layers.masked_softmax import masked_softmax

if TYPE_CHECKING:
    import tensorflow as tf


def attend(
    query: tf.Tensor,
    key: tf.Tensor,
    value: tf.Tensor,
    mask: tf.Tensor | None = None,
    bias: Callable | None = None,
    key_mask: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Scaled dot-product attention.

    Args:
        query: float `[batch, heads, length, head_dim]`.
        key: float `[batch, heads, head_dim, key_length]`: each key is a column, the
            layout that the product with the queries reads fastest.
        value: float `[batch, heads, key_length, head_dim]`.
        mask: bool, broadcast to `[batch, heads, length, key_length]`; True where
            attention is allowed, which must be at least one key of each query.
        bias: a callable that maps float32 scores of the shape of the weights to
            biased ones, or `None`.
        key_mask: bool `[batch, key_length]`, True for the valid keys, or `None`. If
            none is valid, the weights are 0.

    Returns:
        float `[batch, length, heads * head_dim]`, and the weights, float32
        `[batch, heads, length, key_length]`.

    Reference:
        - [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762)
    """
    _, heads, _, head_dim = query.shape
    scores = ops.cast(ops.matmul(query, key), "float32") * head_dim**-0.5
    if bias is not None:
        scores = bias(scores)
    allowed = None
    if key_mask is not None:
        allowed = ops.expand_dims(ops.expand_dims(key_mask, 1), 1)
        allowed = allowed if mask is None else ops.logical_and(allowed, mask)
    elif mask is not None:
        scores = ops.where(mask, scores, -1e9)
    weights = masked_softmax(scores, allowed)
    mixed = ops.matmul(ops.cast(weights, value.dtype), value)
    mixed = ops.transpose(mixed, (0, 2, 1, 3))
    return ops.reshape(mixed, (-1, ops.shape(mixed)[1], heads * head_dim)), weights


def split_heads(x: tf.Tensor, num_heads: int) -> tf.Tensor:
    """Queries or values `[batch, length, dim]` as `attend` accepts them."""
    return ops.transpose(_heads(x, num_heads), (0, 2, 1, 3))


def key_columns(x: tf.Tensor, num_heads: int) -> tf.Tensor:
    """Keys `[batch, length, dim]` as `attend` accepts them."""
    return ops.transpose(_heads(x, num_heads), (0, 2, 3, 1))


def _heads(x, num_heads):
    shape = (-1, ops.shape(x)[1], num_heads, x.shape[-1] // num_heads)
    return ops.reshape(x, shape)
