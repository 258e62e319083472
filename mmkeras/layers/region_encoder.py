from __future__ import annotations

import keras

from mmkeras.layers.attention_block import AttentionBlock
from mmkeras.layers.grid_position_embedding import GridPositionEmbedding


@keras.saving.register_keras_serializable(package="mmkeras")
class RegionEncoder(keras.layers.Layer):
    """Transformer encoder over the regions of a picture.

    Projects the grid of an `ImageEncoder` to the model's dimension, says where
    each region lies, and lets regions see one another, each head by its own sense
    of direction (`GridAttentionBias`).

    Args:
        height: int, rows of the grid.
        width: int, columns of the grid.
        hidden_dim: int, dimension of the output.
        num_layers: int, number of transformer blocks; may be 0.
        num_heads: int.
        intermediate_dim: int, width of the feed-forward parts.
        dropout: float.

    Input shape:
        float `[batch, height * width, channels]`.

    Output shape:
        `[batch, height * width, hidden_dim]`.
    """

    def __init__(
        self,
        height: int,
        width: int,
        hidden_dim: int,
        num_layers: int = 2,
        num_heads: int = 4,
        intermediate_dim: int = 512,
        dropout: float = 0.1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.height = height
        self.width = width
        self.hidden_dim = hidden_dim
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.dropout = dropout
        policy = self.dtype_policy
        self.projection = keras.layers.Dense(
            hidden_dim, name="projection", dtype=policy
        )
        self.position = GridPositionEmbedding(
            height, width, name="position", dtype=policy
        )
        self.blocks = [
            AttentionBlock(
                num_heads,
                intermediate_dim,
                dropout,
                grid=(height, width),
                name=f"block_{i}",
                dtype=policy,
            )
            for i in range(num_layers)
        ]
        self.norm = keras.layers.LayerNormalization(
            epsilon=1e-5, name="norm", dtype=policy
        )

    def build(self, input_shape):
        self.projection.build(input_shape)
        hidden = (*input_shape[:-1], self.hidden_dim)
        for layer in (self.position, *self.blocks, self.norm):
            layer.build(hidden)

    def call(self, inputs, training=None):
        x = self.position(self.projection(inputs))
        for block in self.blocks:
            x = block(x, training=training)
        return self.norm(x)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.hidden_dim)

    def get_config(self):
        return {
            **super().get_config(),
            "height": self.height,
            "width": self.width,
            "hidden_dim": self.hidden_dim,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "dropout": self.dropout,
        }
