from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.layers.fusion.token_projection import TokenProjection
from mmkeras.layers.masked_mean import masked_mean

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class PooledProjection(keras.layers.Layer):
    """Pools a modality to a single vector, the projected mean of its tokens.

    `LayerNorm(W mean(x) + b)`, or a learned vector if the modality is absent.

    `d_k * dim + 4 * dim` parameters, `n_k * d_k + 2 * d_k * dim` FLOPs.

    Args:
        dim: int, dimension of the output.

    Call arguments:
        tokens: float `[rows, n_k, d_k]`, finite also where the mask is False.
        mask: bool `[rows, n_k]`.

    Output shape:
        `[rows, dim]`.
    """

    def __init__(self, dim: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.dim = dim
        self.projection = TokenProjection(
            dim, name="projection", dtype=self.dtype_policy
        )

    def build(self, tokens_shape: tuple[int | None, ...]) -> None:
        self.projection.build((tokens_shape[0], tokens_shape[-1]))
        self.absent = self.add_weight(
            name="absent", shape=(self.dim,), initializer="random_normal"
        )

    def call(self, tokens: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
        pooled = self.projection(masked_mean(tokens, mask))
        present = ops.any(mask, axis=1, keepdims=True)
        return ops.where(present, pooled, ops.cast(self.absent, pooled.dtype))

    def compute_output_shape(
        self, tokens_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return (tokens_shape[0], self.dim)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dim": self.dim}
