from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.arguments import whole_number
from mmkeras.layers.attention_block import AttentionBlock
from mmkeras.layers.fusion.fusion_block import (
    FusionBlock,
    attention_by_modality,
    zero_padding,
)
from mmkeras.layers.fusion.token_projection import TokenProjection

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class SingleStreamFusion(FusionBlock):
    """Early fusion of tokens: a transformer over the tokens of all modalities.

    The tokens of each modality are projected, with an offset that identifies the
    modality (`TokenProjection`), and follow a learned token, [FUSE], which becomes the
    output:

    ```
    x = [FUSE; LayerNorm(W_1 x_1 + b_1); ...; LayerNorm(W_K x_K + b_K)]
    x = x + SelfAttention(x);  x = x + FeedForward(x)      num_layers times, pre-norm
    fused = LayerNorm(x)[0]
    ```

    With tokens of `d_k`, `d` = `dim`, `m` = `intermediate_dim`, `L` = `num_layers` and
    `N = 1 + sum_k n_k`, it has
    `sum_k (d_k d + 3 d) + L (4 d^2 + 2 d m + 9 d + m) + 4 d` parameters, and needs
    about `2 sum_k n_k d_k d + L (8 N d^2 + 4 N^2 d + 4 N d m)` FLOPs per row.

    Args:
        dim: int, dimension of the output and of the inner layers.
        num_layers: int, number of transformer blocks.
        num_heads: int, number of attention heads; must divide `dim`.
        intermediate_dim: int, width of the feed-forward networks; 0 for twice `dim`.
        dropout: float, fraction of the activations to drop in training.

    Call arguments, output shape:
        Same as `FusionBlock`, with both details; the attention is that of [FUSE] in the
        last layer, averaged over the heads, within each modality.

    Raises:
        ValueError: as `FusionBlock`, and if `num_heads` does not divide `dim` or
            `num_layers` is not a positive integer.

    Example:
        >>> fusion = SingleStreamFusion(dim=64)
        >>> fused = fusion([image_tokens, text_tokens], masks=[None, text_mask])

    Reference:
        - [Li et al., 2019](https://arxiv.org/abs/1908.03557) (VisualBERT)
        - [Kim et al., 2021](https://arxiv.org/abs/2102.03334) (ViLT)
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
        self.projections = [
            self.built_part(
                TokenProjection, f"projection_{k}", (None, None, size), self.dim
            )
            for k, size in enumerate(self.token_dims)
        ]
        self.fuse_token = self.add_weight(
            name="fuse_token", shape=(self.dim,), initializer="random_normal"
        )
        self.blocks = [
            self.built_part(
                AttentionBlock,
                f"block_{layer}",
                (None, None, self.dim),
                self.num_heads,
                self.intermediate_dim or 2 * self.dim,
                self.dropout_rate,
            )
            for layer in range(self.num_layers)
        ]
        self.norm = self.built_norm("norm")

    def fuse(
        self, tokens: list[tf.Tensor], masks: list[tf.Tensor], training: bool | None
    ) -> tuple[tf.Tensor, dict[str, list[tf.Tensor]]]:
        x, mask = self._stream(tokens, masks)
        x = self.dropout(x, training=training)
        for block in self.blocks:
            x, attention = block(
                x, key_mask=mask, training=training, return_attention=True
            )
        x = self.norm(x)
        attention = ops.mean(attention[:, :, 0, 1:], axis=1)
        details = {
            "tokens": zero_padding(_split(x, masks), masks),
            "attention": attention_by_modality(attention, masks),
        }
        return x[:, 0], details

    def _stream(self, tokens, masks):
        xs = [project(x) for project, x in zip(self.projections, tokens, strict=True)]
        token = ops.cast(self.fuse_token, xs[0].dtype)
        first = ops.broadcast_to(token, (ops.shape(xs[0])[0], 1, self.dim))
        valid = ops.ones_like(masks[0][:, :1])
        return ops.concatenate([first, *xs], 1), ops.concatenate([valid, *masks], 1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
        }


def _split(x, masks):
    """The tokens of each modality, without [FUSE]."""
    parts, start = [], 1
    for mask in masks:
        end = start + ops.shape(mask)[1]
        parts.append(x[:, start:end])
        start = end
    return parts
