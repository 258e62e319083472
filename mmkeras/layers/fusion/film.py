from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.arguments import whole_number
from mmkeras.layers.fusion.fusion_block import FusionBlock
from mmkeras.layers.fusion.pooled_projection import PooledProjection
from mmkeras.layers.fusion.token_projection import TokenProjection
from mmkeras.layers.masked_mean import masked_mean

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class FiLMFusion(FusionBlock):
    """FiLM: the other modalities scale and shift the features of the first.

    With `q = [p_2; ...; p_K]` the projected means of the other modalities
    (`PooledProjection`) and `x` the projected tokens of the first (`TokenProjection`),
    or a learned token if it is absent, each of `num_layers` residual blocks computes

    ```
    a = relu(U x + u)
    x = a + relu((1 + gamma) * Norm(V a + v) + beta),   [gamma; beta] = W q + w
    ```

    and finally `fused = W_2 gelu(W_1 [max(x); mean(x)] + b_1) + b_2`, with maximum and
    mean over the tokens. `Norm` is a layer normalization without scale and offset,
    instead of the paper's batch normalization, which would mix rows and padding; `V` is
    a dense layer instead of a 3 x 3 convolution, since tokens need not form a grid.

    Suited to a question about another modality: pass the modality with positions (the
    image) first.

    With tokens of `d_k`, `d` = `dim` and `L` = `num_layers`, it has
    `(d_1 d + 4 d) + sum_{k>1} (d_k d + 4 d)
    + L (2 (d + 1) d + ((K - 1) d + 1) 2 d) + (2 d + 1) d + (d + 1) d + d`
    parameters, and needs about
    `2 n_1 d_1 d + 4 L n_1 d^2 + sum_{k>1} (n_k d_k + 2 d_k d) + 4 L (K - 1) d^2
    + 6 d^2` FLOPs per row.

    Args:
        dim: int, dimension of the output.
        num_layers: int, number of residual blocks.
        dropout: float, fraction of the activations to drop in training.

    Call arguments, output shape, raises:
        Same as `FusionBlock`, without details.

    Example:
        >>> fusion = FiLMFusion(dim=64)
        >>> fused = fusion([image_tokens, text_tokens], masks=[None, text_mask])

    Reference:
        - [Perez et al., 2018](https://arxiv.org/abs/1709.07871)
    """

    def __init__(
        self, dim: int, num_layers: int = 3, dropout: float = 0.1, **kwargs: Any
    ):
        super().__init__(dim, dropout, **kwargs)
        self.num_layers = whole_number("num_layers", num_layers, 1)

    def build_parts(self) -> None:
        dim, (first, *others) = self.dim, self.token_dims
        self.projection = self.built_part(
            TokenProjection, "projection", (None, None, first), dim
        )
        self.absent = self.add_weight(
            name="absent", shape=(dim,), initializer="random_normal"
        )
        self.pools = [
            self.built_part(PooledProjection, f"pool_{k}", (None, None, size), dim)
            for k, size in enumerate(others, start=1)
        ]
        self.blocks = [self._block(index) for index in range(self.num_layers)]
        self.hidden = self.built_part(
            keras.layers.Dense, "hidden", (None, 2 * dim), dim, activation="gelu"
        )
        self.output_dense = self.built_part(
            keras.layers.Dense, "output", (None, dim), dim
        )

    def _block(self, index):
        block = _ModulatedBlock(name=f"block_{index}", dtype=self.dtype_policy)
        block.build((None, None, self.dim), (None, len(self.pools) * self.dim))
        return block

    def fuse(
        self, tokens: list[tf.Tensor], masks: list[tf.Tensor], training: bool | None
    ) -> tuple[tf.Tensor, dict[str, list[tf.Tensor]]]:
        present = ops.any(masks[0], axis=1, keepdims=True)
        x = self.projection(tokens[0])
        absent = ops.cast(self.absent, x.dtype)
        x = ops.where(ops.expand_dims(present, -1), x, absent)
        # All tokens of an absent modality are equal, so that none need be masked.
        mask = ops.logical_or(masks[0], ops.logical_not(present))
        condition = ops.concatenate(
            [
                pool(other, other_mask)
                for pool, other, other_mask in zip(
                    self.pools, tokens[1:], masks[1:], strict=True
                )
            ],
            axis=-1,
        )
        for block in self.blocks:
            x = block(x, condition)
        pooled = ops.concatenate([_masked_max(x, mask), masked_mean(x, mask)], axis=-1)
        hidden = self.dropout(self.hidden(pooled), training=training)
        return self.output_dense(hidden), {}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_layers": self.num_layers}


class _ModulatedBlock(keras.layers.Layer):
    """A residual block whose features are scaled and shifted by a condition."""

    def build(self, x_shape, condition_shape):
        dim, policy = x_shape[-1], self.dtype_policy
        self.enter = keras.layers.Dense(dim, "relu", name="enter", dtype=policy)
        self.inside = keras.layers.Dense(dim, name="inside", dtype=policy)
        self.norm = keras.layers.LayerNormalization(
            epsilon=1e-5, center=False, scale=False, name="norm", dtype=policy
        )
        self.modulation = keras.layers.Dense(2 * dim, name="modulation", dtype=policy)
        for layer in (self.enter, self.inside, self.norm):
            layer.build(x_shape)
        self.modulation.build(condition_shape)

    def call(self, x, condition):
        scale, shift = ops.split(self.modulation(condition), 2, axis=-1)
        scale, shift = ops.expand_dims(scale, 1), ops.expand_dims(shift, 1)
        x = self.enter(x)
        return x + ops.relu((1 + scale) * self.norm(self.inside(x)) + shift)


def _masked_max(x, mask):
    lowest = ops.full_like(x, -1e9)
    return ops.max(ops.where(ops.expand_dims(mask, -1), x, lowest), axis=1)
