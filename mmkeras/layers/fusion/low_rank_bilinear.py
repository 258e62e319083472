from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.arguments import whole_number
from mmkeras.layers.fusion.fusion_block import FusionBlock
from mmkeras.layers.fusion.pooled_projection import PooledProjection

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class LowRankBilinearFusion(FusionBlock):
    """Multimodal factorized bilinear pooling: low-rank products of features.

    With `p_k` the projected mean of the tokens of a modality (`PooledProjection`), or a
    learned vector if it is absent, and `f` = `factors`:

    ```
    s = dropout((U_1 p_1 + c_1) * ... * (U_K p_K + c_K))      of dimension f * dim
    z_i = s_{f i} + ... + s_{f i + f - 1}           of dimension dim
    y = sign(z) sqrt(|z|)
    fused = sqrt(dim) y / ||y||
    ```

    For K > 2, the product has K factors: each `z_i` is then a K-linear form of rank
    `f`. The norm is 1 in the paper; multiplied by `sqrt(dim)`, the features have a
    scale of about 1, which suits the learning rate of the head.

    With tokens of `d_k` and `d` = `dim`, it has
    `sum_k (d_k d + 4 d) + K (d + 1) f d + d` parameters, and needs about
    `sum_k (n_k d_k + 2 d_k d) + 2 K f d^2` FLOPs per row.

    Args:
        dim: int, dimension of the output.
        factors: int, rank of each form.
        dropout: float, fraction of the products to drop in training.

    Call arguments, output shape:
        Same as `FusionBlock`, without details.

    Raises:
        ValueError: as `FusionBlock`, and if `factors` is not a positive integer.

    Example:
        >>> fusion = LowRankBilinearFusion(dim=64)
        >>> fused = fusion([image_tokens, text_tokens], masks=[None, text_mask])

    Reference:
        - [Yu et al., 2017](https://arxiv.org/abs/1708.01471)
    """

    def __init__(self, dim: int, factors: int = 5, dropout: float = 0.1, **kwargs: Any):
        super().__init__(dim, dropout, **kwargs)
        self.factors = whole_number("factors", factors, 1)

    def build_parts(self) -> None:
        self.pools = [
            self.built_part(PooledProjection, f"pool_{k}", (None, None, size), self.dim)
            for k, size in enumerate(self.token_dims)
        ]
        self.factor_layers = [
            self.built_part(
                keras.layers.Dense,
                f"factor_{k}",
                (None, self.dim),
                self.factors * self.dim,
            )
            for k in range(len(self.token_dims))
        ]

    def fuse(
        self, tokens: list[tf.Tensor], masks: list[tf.Tensor], training: bool | None
    ) -> tuple[tf.Tensor, dict[str, list[tf.Tensor]]]:
        product = 1.0
        for pool, factor, x, mask in zip(
            self.pools, self.factor_layers, tokens, masks, strict=True
        ):
            product = product * factor(pool(x, mask))
        product = self.dropout(product, training=training)
        forms = ops.reshape(product, (-1, self.dim, self.factors))
        return ops.cast(_normalized(forms), product.dtype), {}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factors": self.factors}


def _normalized(forms):
    """Sums over the last axis, with power and L2 normalization, in float32."""
    z = ops.sum(ops.cast(forms, "float32"), axis=-1)
    # The signed square root, but with a finite gradient at 0.
    y = z * ops.rsqrt(ops.abs(z) + 1e-4)
    return y * ops.rsqrt(ops.mean(ops.square(y), axis=-1, keepdims=True) + 1e-6)
