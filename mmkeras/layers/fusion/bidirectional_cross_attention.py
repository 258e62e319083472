from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.arguments import whole_number
from mmkeras.layers.attention_block import AttentionBlock
from mmkeras.layers.fusion.fusion_block import FusionBlock, zero_padding
from mmkeras.layers.fusion.token_projection import TokenProjection
from mmkeras.layers.masked_softmax import masked_softmax

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class BidirectionalCrossAttentionFusion(FusionBlock):
    """Co-attention: each modality attends to itself and to all others.

    The tokens are projected (`TokenProjection`). Each of `num_layers` layers updates
    all modalities at once, with pre-norm attention (`AttentionBlock`):

    ```
    x_k = x_k + SelfAttention(x_k)
    x_k = x_k + CrossAttention(x_k, [x_j for all j != k, from the previous layer])
    x_k = x_k + FeedForward(x_k)
    ```

    Each modality is then normalized and pooled by attention, and the vectors are added:
    `fused = LayerNorm(sum_k (W_k pool(x_k) + b_k))`. The pooled vector of an absent
    modality is learned.

    With tokens of `d_k`, `d` = `dim`, `m` = `intermediate_dim`, `L` = `num_layers` and
    `N = sum_k n_k`, it has `sum_k d_k d + K L (8 d^2 + 2 d m + 15 d + m)
    + K (2 d^2 + 9 d) + 3 d` parameters, and needs about
    `2 sum_k n_k d_k d + L (4 (K + 2) N d^2 + 4 N d m + 4 N^2 d) + 2 N d^2` FLOPs per
    row.

    Args:
        dim: int, dimension of the output and of the inner layers.
        num_layers: int, number of layers.
        num_heads: int, number of attention heads; must divide `dim`.
        intermediate_dim: int, width of the feed-forward networks; 0 for twice `dim`.
        dropout: float, fraction of the activations to drop in training.

    Call arguments, output shape:
        Same as `FusionBlock`, with both details; the attention is that of pooling.

    Raises:
        ValueError: as `FusionBlock`, and if `num_heads` does not divide `dim` or
            `num_layers` is not a positive integer.

    Example:
        >>> fusion = BidirectionalCrossAttentionFusion(dim=64)
        >>> fused = fusion([image_tokens, text_tokens], masks=[None, text_mask])

    Reference:
        - [Lu et al., 2019](https://arxiv.org/abs/1908.02265) (co-attention of
          transformers)
        - [Tan and Bansal, 2019](https://arxiv.org/abs/1908.07490) (the layer)
        - [Yu et al., 2019](https://arxiv.org/abs/1906.10770) (pooling and sum)
    """

    def __init__(
        self,
        dim: int,
        num_layers: int = 2,
        num_heads: int = 4,
        intermediate_dim: int = 0,
        dropout: float = 0.1,
        **kwargs: Any,
    ):
        super().__init__(dim, dropout, **kwargs)
        self.num_layers = whole_number("num_layers", num_layers, 1)
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.check_heads(num_heads)

    def build_parts(self) -> None:
        sequence, number = (None, None, self.dim), range(len(self.token_dims))
        self.projections = [
            self.built_part(
                TokenProjection, f"projection_{k}", (None, None, size), self.dim
            )
            for k, size in enumerate(self.token_dims)
        ]
        self.blocks = [
            self._block(f"block_{layer}_{k}")
            for layer in range(self.num_layers)
            for k in number
        ]
        self.norms = [self.built_norm(f"norm_{k}") for k in number]
        self.pools = [
            self.built_part(_AttentionPooling, f"pool_{k}", sequence) for k in number
        ]
        self.outputs = [
            self.built_part(
                keras.layers.Dense, f"output_{k}", (None, self.dim), self.dim
            )
            for k in number
        ]
        self.output_norm = self.built_norm("output_norm")

    def _block(self, name):
        return self.built_part(
            AttentionBlock,
            name,
            (None, None, self.dim),
            self.num_heads,
            self.intermediate_dim or 2 * self.dim,
            self.dropout_rate,
            cross_attention=True,
        )

    def fuse(
        self, tokens: list[tf.Tensor], masks: list[tf.Tensor], training: bool | None
    ) -> tuple[tf.Tensor, dict[str, list[tf.Tensor]]]:
        xs = [
            self.dropout(project(x), training=training)
            for project, x in zip(self.projections, tokens, strict=True)
        ]
        for start in range(0, len(self.blocks), len(xs)):
            blocks = self.blocks[start : start + len(xs)]
            xs = [
                block(
                    xs[k],
                    _all_but(k, xs),
                    key_mask=masks[k],
                    memory_mask=_all_but(k, masks),
                    training=training,
                )
                for k, block in enumerate(blocks)
            ]
        xs = [norm(x) for norm, x in zip(self.norms, xs, strict=True)]
        fused, attention = self._pooled(xs, masks, training)
        details = {"tokens": zero_padding(xs, masks), "attention": attention}
        return fused, details

    def _pooled(self, xs, masks, training):
        pooled = [
            pool(x, mask) for pool, x, mask in zip(self.pools, xs, masks, strict=True)
        ]
        fused = sum(
            dense(self.dropout(vector, training=training))
            for dense, (vector, _) in zip(self.outputs, pooled, strict=True)
        )
        return self.output_norm(fused), [weights for _, weights in pooled]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
        }


class _AttentionPooling(keras.layers.Layer):
    """A weighted mean of tokens, with weights computed by an MLP.

    `sum_i a_i x_i`, with `a = softmax over i of (v . relu(W x_i + b))`, and a learned
    vector if the modality is absent. Returns the weights too.
    """

    def build(self, tokens_shape):
        dim, policy = tokens_shape[-1], self.dtype_policy
        self.hidden = keras.layers.Dense(dim, "relu", name="hidden", dtype=policy)
        self.score = keras.layers.Dense(1, use_bias=False, name="score", dtype=policy)
        for layer in (self.hidden, self.score):
            layer.build(tokens_shape)
        self.absent = self.add_weight(
            name="absent", shape=(dim,), initializer="random_normal"
        )

    def call(self, tokens, mask):
        scores = ops.squeeze(self.score(self.hidden(tokens)), -1)
        weights = masked_softmax(scores, mask)
        row = ops.cast(ops.expand_dims(weights, 1), tokens.dtype)
        pooled = ops.squeeze(ops.matmul(row, tokens), 1)
        present = ops.any(mask, axis=1, keepdims=True)
        return ops.where(present, pooled, ops.cast(self.absent, pooled.dtype)), weights


def _all_but(index, parts):
    """All parts except one, concatenated."""
    others = [part for k, part in enumerate(parts) if k != index]
    return ops.concatenate(others, axis=1)
