from __future__ import annotations

import keras
from keras import ops

from mmkeras.layers.fusion.fusion_block import FusionBlock
from mmkeras.layers.fusion.masked_mean import masked_mean
from mmkeras.layers.fusion.pooled_projection import PooledProjection
from mmkeras.layers.fusion.token_projection import TokenProjection


@keras.saving.register_keras_serializable(package="mmkeras")
class FiLMFusion(FusionBlock):
    """The tokens of the first modality, modulated by the other modalities.

    With `q = [p_2; ...; p_K]` the projected means of the others (`PooledProjection`)
    and `x` the projected tokens of the first (`TokenProjection`), or one learned token
    where it is absent, each of `num_layers` residual blocks does

    ```
    a = relu(U x + u)
    x = a + relu((1 + gamma) * Norm(V a + v) + beta),   [gamma; beta] = W q + w
    ```

    and at the end `fused = W_2 gelu(W_1 [max(x); mean(x)] + b_1) + b_2`, both over the
    tokens. `Norm` is a layer normalisation without scale and offset, in place of the
    paper's batch normalisation, which would mix rows and padding; and `V` is a dense
    layer in place of a 3 x 3 convolution, as tokens need not lie on a grid.

    To be used where one modality asks about another: order them so that the one with
    the places (the picture) comes first.

    With tokens of `d_k`, `d` = `dim` and `L` = `num_layers`, it has
    `(d_1 d + 4 d) + sum_{k>1} (d_k d + 4 d)
    + L (2 (d + 1) d + ((K - 1) d + 1) 2 d) + (2 d + 1) d + (d + 1) d + d`
    parameters, and takes about
    `2 n_1 d_1 d + 4 L n_1 d^2 + sum_{k>1} (n_k d_k + 2 d_k d) + 4 L (K - 1) d^2
    + 6 d^2` FLOPs a row.

    Args:
        dim: int, dimension of the output.
        num_layers: int, number of residual blocks.
        dropout: float, share of activations dropped in training.

    Call arguments, output shape, raises:
        as `FusionBlock`, without details.

    Example:
        >>> fusion = FiLMFusion(dim=64)
        >>> fused = fusion([image_tokens, text_tokens], masks=[None, text_mask])

    Reference:
        - [Perez et al., 2018](https://arxiv.org/abs/1709.07871)
    """

    def __init__(self, dim: int, num_layers: int = 3, dropout: float = 0.1, **kwargs):
        super().__init__(dim, dropout, **kwargs)
        self.num_layers = num_layers
        self.check_layers(num_layers)

    def build_parts(self):
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

    def fuse(self, tokens, masks, training):
        present = ops.any(masks[0], axis=1, keepdims=True)
        x = self.projection(tokens[0])
        absent = ops.cast(self.absent, x.dtype)
        x = ops.where(ops.expand_dims(present, -1), x, absent)
        # All places of an absent modality hold the same, so that all may count.
        mask = ops.logical_or(masks[0], ops.logical_not(present))
        condition = ops.concatenate(
            [
                pool(other, some)
                for pool, other, some in zip(
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

    def get_config(self):
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
