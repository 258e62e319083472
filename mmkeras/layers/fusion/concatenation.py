from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.layers.fusion.fusion_block import FusionBlock
from mmkeras.layers.fusion.pooled_projection import PooledProjection

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class ConcatenationFusion(FusionBlock):
    """Early fusion: an MLP on the concatenated vectors of the modalities.

    With `p_k` the projected mean of the tokens of a modality (`PooledProjection`), or a
    learned vector if it is absent:

    ```
    fused = W_2 gelu(W_1 [p_1; ...; p_K] + b_1) + b_2
    ```

    The cheapest block and the baseline: it uses no individual tokens.

    With tokens of `d_k`, `d` = `dim` and `m` = `hidden_dim`, it has
    `sum_k (d_k d + 4 d) + (K d + 1) m + (m + 1) d + d` parameters, and needs about
    `sum_k (n_k d_k + 2 d_k d) + 2 (K + 1) d m` FLOPs per row.

    Args:
        dim: int, dimension of the output.
        hidden_dim: int, width of the MLP; 0 for twice `dim`.
        dropout: float, fraction of the activations to drop in training.

    Call arguments, output shape, raises:
        Same as `FusionBlock`, without details.

    Example:
        >>> fusion = ConcatenationFusion(dim=64)
        >>> fused = fusion([image_tokens, text_tokens], masks=[None, text_mask])

    Reference:
        - [Baltrusaitis et al., 2019](https://arxiv.org/abs/1705.09406), section 6.1
    """

    def __init__(
        self, dim: int, hidden_dim: int = 0, dropout: float = 0.1, **kwargs: Any
    ):
        super().__init__(dim, dropout, **kwargs)
        self.hidden_dim = hidden_dim

    def build_parts(self) -> None:
        self.pools = [
            self.built_part(PooledProjection, f"pool_{k}", (None, None, size), self.dim)
            for k, size in enumerate(self.token_dims)
        ]
        width = self.hidden_dim or 2 * self.dim
        joint = len(self.pools) * self.dim
        self.hidden = self.built_part(
            keras.layers.Dense, "hidden", (None, joint), width, activation="gelu"
        )
        self.output_dense = self.built_part(
            keras.layers.Dense, "output", (None, width), self.dim
        )

    def fuse(
        self, tokens: list[tf.Tensor], masks: list[tf.Tensor], training: bool | None
    ) -> tuple[tf.Tensor, dict[str, list[tf.Tensor]]]:
        pooled = [
            pool(x, mask)
            for pool, x, mask in zip(self.pools, tokens, masks, strict=True)
        ]
        hidden = self.hidden(ops.concatenate(pooled, axis=-1))
        return self.output_dense(self.dropout(hidden, training=training)), {}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "hidden_dim": self.hidden_dim}
