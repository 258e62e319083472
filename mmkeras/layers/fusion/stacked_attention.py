from __future__ import annotations

import keras
from keras import ops

from mmkeras.layers.fusion.fusion_block import FusionBlock
from mmkeras.layers.fusion.masked_softmax import masked_softmax
from mmkeras.layers.fusion.pooled_projection import PooledProjection
from mmkeras.layers.fusion.token_projection import TokenProjection


@keras.saving.register_keras_serializable(package="mmkeras")
class StackedAttentionFusion(FusionBlock):
    """A query of the other modalities looks at the first one's tokens, repeatedly.

    With `v` the projected tokens of the first modality (`TokenProjection`) and `p_k`
    the projected means of the others (`PooledProjection`):

    ```
    u = p_2 + ... + p_K
    a = softmax over i of (w . tanh(V v_i + U u + b));  u = u + sum_i a_i v_i
    fused = dropout(u)
    ```

    the second line `num_layers` times, each with weights of its own. Where the first
    modality is absent, nothing is added to `u`; where another is, its `p_k` is a
    learned vector.

    To be used where one modality asks about another: order them so that the one that
    is asked about (the picture) comes first.

    With tokens of `d_k`, `d` = `dim` and `L` = `num_layers`, it has
    `(d_1 d + 3 d) + sum_{k>1} (d_k d + 4 d) + L (2 d^2 + 2 d) + d` parameters, and
    takes about
    `2 n_1 d_1 d + sum_{k>1} (n_k d_k + 2 d_k d) + L (2 n_1 d^2 + 2 d^2 + 6 n_1 d)`
    FLOPs a row.

    Args:
        dim: int, dimension of the output.
        num_layers: int, how often the query looks.
        dropout: float, share of activations dropped in training.

    Call arguments, output shape:
        as `FusionBlock`, with the attention of the last look as details; that to the
        other modalities is even, as they are read as means.

    Raises:
        ValueError: as `FusionBlock`, and if `num_layers` is not positive.

    Example:
        >>> fusion = StackedAttentionFusion(dim=64)
        >>> fused = fusion([image_tokens, text_tokens], masks=[None, text_mask])

    Reference:
        - [Yang et al., 2016](https://arxiv.org/abs/1511.02274)
    """

    def __init__(self, dim: int, num_layers: int = 2, dropout: float = 0.1, **kwargs):
        super().__init__(dim, dropout, **kwargs)
        self.num_layers = num_layers
        self.check_layers(num_layers)

    def build_parts(self):
        dim, (first, *others) = self.dim, self.token_dims
        self.projection = self.built_part(
            TokenProjection, "projection", (None, None, first), dim
        )
        self.pools = [
            self.built_part(PooledProjection, f"pool_{k}", (None, None, size), dim)
            for k, size in enumerate(others, start=1)
        ]
        self.looks = [
            self.built_part(_Look, f"look_{layer}", (None, None, dim))
            for layer in range(self.num_layers)
        ]

    def fuse(self, tokens, masks, training):
        first = self.dropout(self.projection(tokens[0]), training=training)
        query = sum(
            pool(x, mask)
            for pool, x, mask in zip(self.pools, tokens[1:], masks[1:], strict=True)
        )
        for look in self.looks:
            query, attention = look(first, query, masks[0])
        even = [
            masked_softmax(ops.zeros_like(mask, "float32"), mask) for mask in masks[1:]
        ]
        fused = self.dropout(query, training=training)
        return fused, {"attention": [attention, *even]}

    def get_config(self):
        return {**super().get_config(), "num_layers": self.num_layers}


class _Look(keras.layers.Layer):
    """Attention of a query to tokens, and the query with what it saw."""

    def build(self, tokens_shape):
        dim, policy = tokens_shape[-1], self.dtype_policy
        self.value = keras.layers.Dense(dim, use_bias=False, name="value", dtype=policy)
        self.query = keras.layers.Dense(dim, name="query", dtype=policy)
        self.score = keras.layers.Dense(1, use_bias=False, name="score", dtype=policy)
        for layer in (self.value, self.query, self.score):
            layer.build(tokens_shape)

    def call(self, tokens, query, mask):
        asked = ops.expand_dims(self.query(query), 1)
        scores = self.score(ops.tanh(self.value(tokens) + asked))
        weights = masked_softmax(ops.squeeze(scores, -1), mask)
        shares = ops.cast(ops.expand_dims(weights, 1), tokens.dtype)
        return query + ops.squeeze(ops.matmul(shares, tokens), 1), weights
