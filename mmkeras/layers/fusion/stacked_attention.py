from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.arguments import whole_number
from mmkeras.layers.fusion.fusion_block import FusionBlock
from mmkeras.layers.fusion.pooled_projection import PooledProjection
from mmkeras.layers.fusion.token_projection import TokenProjection
from mmkeras.layers.masked_softmax import masked_softmax

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class StackedAttentionFusion(FusionBlock):
    """Stacked attention: a query attends to the first modality repeatedly.

    The query is made from the other modalities. With `v` the projected tokens of the
    first modality (`TokenProjection`) and `p_k` the projected means of the others
    (`PooledProjection`):

    ```
    u = p_2 + ... + p_K
    a = softmax over i of (w . tanh(V v_i + U u + b));  u = u + sum_i a_i v_i
    fused = dropout(u)
    ```

    The second line is repeated `num_layers` times, with separate weights. If the first
    modality is absent, nothing is added to `u`; if another is absent, its `p_k` is a
    learned vector.

    Suited to a question about another modality: pass the one that it is about (the
    image) first.

    With tokens of `d_k`, `d` = `dim` and `L` = `num_layers`, it has
    `(d_1 d + 3 d) + sum_{k>1} (d_k d + 4 d) + L (2 d^2 + 2 d) + d` parameters, and
    needs about
    `2 n_1 d_1 d + sum_{k>1} (n_k d_k + 2 d_k d) + L (2 n_1 d^2 + 2 d^2 + 6 n_1 d)`
    FLOPs per row.

    Args:
        dim: int, dimension of the output.
        num_layers: int, number of attention steps.
        dropout: float, fraction of the activations to drop in training.

    Call arguments, output shape:
        Same as `FusionBlock`, with the attention of the last step as details; that of
        the other modalities is uniform, since their means are used.

    Raises:
        ValueError: as `FusionBlock`, and if `num_layers` is not a positive
            integer.

    Example:
        >>> fusion = StackedAttentionFusion(dim=64)
        >>> fused = fusion([image_tokens, text_tokens], masks=[None, text_mask])

    Reference:
        - [Yang et al., 2016](https://arxiv.org/abs/1511.02274)
    """

    def __init__(
        self, dim: int, num_layers: int = 2, dropout: float = 0.1, **kwargs: Any
    ):
        super().__init__(dim, dropout, **kwargs)
        self.num_layers = whole_number("num_layers", num_layers, 1)

    def build_parts(self) -> None:
        dim, (first, *others) = self.dim, self.token_dims
        self.projection = self.built_part(
            TokenProjection, "projection", (None, None, first), dim
        )
        self.pools = [
            self.built_part(PooledProjection, f"pool_{k}", (None, None, size), dim)
            for k, size in enumerate(others, start=1)
        ]
        # The names of the attribute and of the class are paths in saved weights.
        self.looks = [
            self.built_part(_Look, f"look_{layer}", (None, None, dim))
            for layer in range(self.num_layers)
        ]

    def fuse(
        self, tokens: list[tf.Tensor], masks: list[tf.Tensor], training: bool | None
    ) -> tuple[tf.Tensor, dict[str, list[tf.Tensor]]]:
        first = self.dropout(self.projection(tokens[0]), training=training)
        query = sum(
            pool(x, mask)
            for pool, x, mask in zip(self.pools, tokens[1:], masks[1:], strict=True)
        )
        for look in self.looks:
            query, attention = look(first, query, masks[0])
        uniform = [
            masked_softmax(ops.zeros_like(mask, "float32"), mask) for mask in masks[1:]
        ]
        fused = self.dropout(query, training=training)
        return fused, {"attention": [attention, *uniform]}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_layers": self.num_layers}


class _Look(keras.layers.Layer):
    """Additive attention of a query to tokens, and the query plus its output."""

    def build(self, tokens_shape):
        dim, policy = tokens_shape[-1], self.dtype_policy
        self.value = keras.layers.Dense(dim, use_bias=False, name="value", dtype=policy)
        self.query = keras.layers.Dense(dim, name="query", dtype=policy)
        self.score = keras.layers.Dense(1, use_bias=False, name="score", dtype=policy)
        for layer in (self.value, self.query, self.score):
            layer.build(tokens_shape)

    def call(self, tokens, query, mask):
        hidden = self.value(tokens) + ops.expand_dims(self.query(query), 1)
        scores = self.score(ops.tanh(hidden))
        weights = masked_softmax(ops.squeeze(scores, -1), mask)
        row = ops.cast(ops.expand_dims(weights, 1), tokens.dtype)
        return query + ops.squeeze(ops.matmul(row, tokens), 1), weights
