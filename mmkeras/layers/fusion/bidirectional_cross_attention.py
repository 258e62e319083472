from __future__ import annotations

import keras
from keras import ops

from mmkeras.layers.attention_block import AttentionBlock
from mmkeras.layers.fusion.attention_pooling import AttentionPooling
from mmkeras.layers.fusion.blank_padding import blank_padding
from mmkeras.layers.fusion.fusion_block import FusionBlock
from mmkeras.layers.fusion.token_projection import TokenProjection


@keras.saving.register_keras_serializable(package="mmkeras")
class BidirectionalCrossAttentionFusion(FusionBlock):
    """Co-attention: each modality looks at itself and at all the others.

    The tokens are projected (`TokenProjection`). In each of `num_layers` layers, all
    modalities at a time, with pre-norm attention (`AttentionBlock`),

    ```
    x_k = x_k + SelfAttention(x_k)
    x_k = x_k + CrossAttention(x_k, [x_j of all j != k, as the layer received them])
    x_k = x_k + FeedForward(x_k)
    ```

    then each is normalised and pooled by attention, and the vectors are added:
    `fused = LayerNorm(sum_k (W_k pool(x_k) + b_k))`, with a learned vector in place of
    the pool of a modality that is absent.

    With tokens of `d_k`, `d` = `dim`, `m` = `intermediate_dim`, `L` = `num_layers` and
    `N = sum_k n_k`, it has `sum_k d_k d + K L (8 d^2 + 2 d m + 15 d + m)
    + K (2 d^2 + 9 d) + 3 d` parameters, and takes about
    `2 sum_k n_k d_k d + L (4 (K + 2) N d^2 + 4 N d m + 4 N^2 d) + 2 N d^2` FLOPs a row.

    Args:
        dim: int, dimension of the output and within.
        num_layers: int.
        num_heads: int, must divide `dim`.
        intermediate_dim: int, width of the feed-forward parts; 0 for twice `dim`.
        dropout: float, share of activations dropped in training.

    Call arguments, output shape:
        as `FusionBlock`, with both kinds of details; the attention is that of the
        pooling.

    Raises:
        ValueError: as `FusionBlock`, and if `num_heads` does not divide `dim`.

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
        **kwargs,
    ):
        super().__init__(dim, dropout, **kwargs)
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.check_heads(num_heads)
        self.check_layers(num_layers)

    def build_parts(self):
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
            self.built_part(AttentionPooling, f"pool_{k}", sequence) for k in number
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

    def fuse(self, tokens, masks, training):
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
        details = {"tokens": blank_padding(xs, masks), "attention": attention}
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

    def get_config(self):
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
        }


def _all_but(index, parts):
    """All but one of them, one after the other."""
    others = [part for k, part in enumerate(parts) if k != index]
    return ops.concatenate(others, axis=1)
