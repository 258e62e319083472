from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class TokenProjection(keras.layers.Layer):
    """Projects the tokens of a modality to a common dimension and scale.

    `LayerNorm(W x + b)`. Each modality has a separate projection, so that the offset of
    the normalization acts as the embedding of the modality.

    `d_k * dim + 3 * dim` parameters, `2 * n_k * d_k * dim` FLOPs.

    Args:
        dim: int, dimension of the output.

    Input shape:
        float `[..., d_k]`.

    Output shape:
        `[..., dim]`.

    Reference:
        - [Tan and Bansal, 2019](https://arxiv.org/abs/1908.07490), section 2.1
    """

    def __init__(self, dim: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.dim = dim
        policy = self.dtype_policy
        self.dense = keras.layers.Dense(dim, name="dense", dtype=policy)
        self.norm = keras.layers.LayerNormalization(
            epsilon=1e-5, name="norm", dtype=policy
        )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.dense.build(input_shape)
        self.norm.build((*input_shape[:-1], self.dim))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.norm(self.dense(inputs))

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.dim)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dim": self.dim}
