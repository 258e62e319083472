from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.layers.fusion.pooled_projection import PooledProjection

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class ModalityHead(keras.layers.Layer):
    """Output computed from a single modality: an MLP on the mean of its tokens.

    `W dropout(gelu(p)) + b`, with `p` of dimension `hidden_dim` from
    `PooledProjection`, which is a learned vector if the modality is absent.

    `d_k * m + 4 * m + (m + 1) * dim` parameters with `m` = `hidden_dim`.

    Args:
        dim: int, dimension of the output.
        hidden_dim: int, width of the MLP.
        dropout: float, fraction of the activations to drop in training.

    Call arguments:
        tokens: float `[rows, n_k, d_k]`, finite also where the mask is False.
        mask: bool `[rows, n_k]`.
        training: bool.

    Output shape:
        `[rows, dim]`.
    """

    def __init__(self, dim: int, hidden_dim: int, dropout: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.dim = dim
        self.hidden_dim = hidden_dim
        self.dropout_rate = dropout
        policy = self.dtype_policy
        self.pool = PooledProjection(hidden_dim, name="pool", dtype=policy)
        self.dropout = keras.layers.Dropout(dropout, name="dropout", dtype=policy)
        self.dense = keras.layers.Dense(dim, name="dense", dtype=policy)

    def build(self, tokens_shape: tuple[int | None, ...]) -> None:
        self.pool.build(tokens_shape)
        self.dense.build((tokens_shape[0], self.hidden_dim))

    def call(
        self, tokens: tf.Tensor, mask: tf.Tensor | None, training: bool | None = None
    ) -> tf.Tensor:
        hidden = ops.gelu(self.pool(tokens, mask), approximate=False)
        return self.dense(self.dropout(hidden, training=training))

    def compute_output_shape(
        self, tokens_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return (tokens_shape[0], self.dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "dim": self.dim,
            "hidden_dim": self.hidden_dim,
            "dropout": self.dropout_rate,
        }
