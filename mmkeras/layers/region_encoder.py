from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.layers.attention_block import AttentionBlock
from mmkeras.layers.grid_position_embedding import GridPositionEmbedding

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class RegionEncoder(keras.layers.Layer):
    """Transformer encoder over the regions of an image.

    Projects the grid of an `ImageEncoder` to the model's dimension, adds position
    embeddings, and applies transformer blocks whose attention has a learned bias by
    relative position (`GridAttentionBias`).

    Args:
        height: int, rows of the grid.
        width: int, columns of the grid.
        hidden_dim: int, dimension of the output.
        num_layers: int, number of transformer blocks; may be 0.
        num_heads: int, number of attention heads.
        intermediate_dim: int, width of the feed-forward networks.
        dropout: float, fraction of the activations to drop in training.
        feature_dropout: float, fraction of the channels of the input to drop in
            training, the same in all regions of an image.
        power_normalization: bool, whether to take the square root of the input and
            scale it to a mean square of 1 in each image, which dampens the few large
            features of pretrained encoders. Negative inputs become 0.

    Input shape:
        float `[batch, height * width, channels]`.

    Output shape:
        `[batch, height * width, hidden_dim]`.

    Reference:
        - [Perronnin et al., 2010](https://doi.org/10.1007/978-3-642-15561-1_11)
          (power normalization)
        - [Tompson et al., 2015](https://arxiv.org/abs/1411.4280) (dropout of
          channels)
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
        feature_dropout: float = 0.0,
        power_normalization: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.height = height
        self.width = width
        self.hidden_dim = hidden_dim
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.dropout = dropout
        self.feature_dropout = feature_dropout
        self.power_normalization = power_normalization
        policy = self.dtype_policy
        self.channel_dropout = keras.layers.SpatialDropout1D(
            feature_dropout, name="channel_dropout", dtype=policy
        )
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

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.projection.build(input_shape)
        hidden = (*input_shape[:-1], self.hidden_dim)
        for layer in (self.position, *self.blocks, self.norm):
            layer.build(hidden)

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        if self.power_normalization:
            inputs = _power_normalized(inputs)
        inputs = self.channel_dropout(inputs, training=training)
        x = self.position(self.projection(inputs))
        for block in self.blocks:
            x = block(x, training=training)
        return self.norm(x)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.hidden_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "height": self.height,
            "width": self.width,
            "hidden_dim": self.hidden_dim,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "dropout": self.dropout,
            "feature_dropout": self.feature_dropout,
            "power_normalization": self.power_normalization,
        }


def _power_normalized(features):
    """The square root, with a mean square of 1 in each image, in float32."""
    features = ops.maximum(ops.cast(features, "float32"), 0.0)
    mean = ops.mean(features, axis=(1, 2), keepdims=True)
    # The mean square of the root is the mean of the input. The small number keeps the
    # gradient of the root finite at 0, which is the most frequent output of ReLU.
    return ops.sqrt(features + 1e-6) * ops.rsqrt(mean + 1e-6)
