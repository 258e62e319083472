from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import keras_hub

from mmkeras.layers.image_encoder import ImageEncoder
from mmkeras.layers.region_encoder import RegionEncoder

if TYPE_CHECKING:
    import tensorflow as tf


class VisionBackbone(keras_hub.models.Backbone):
    """The part of a backbone that encodes images; a base class.

    A subclass calls `build_vision` first in its constructor, builds its functional
    model, and then `super().__init__`.
    """

    # The arguments of the constructor that are layers.
    layer_arguments: tuple[str, ...] = ("image_encoder",)

    def build_vision(
        self,
        image_encoder: ImageEncoder,
        hidden_dim: int,
        num_layers: int = 1,
        num_heads: int = 4,
        intermediate_dim: int | None = None,
        dropout: float = 0.1,
        feature_dropout: float = 0.0,
        power_normalization: bool = False,
        dtype: Any = None,
    ) -> None:
        """Sets `image_encoder` and `region_encoder`.

        Args:
            image_encoder: an `ImageEncoder` layer.
            hidden_dim: int, dimension of the image regions.
            num_layers: int, transformer blocks over the regions; may be 0.
            num_heads: int, attention heads of a block.
            intermediate_dim: int, width of the feed-forward part of a block; `None`
                for twice `hidden_dim`.
            dropout: float, dropout rate.
            feature_dropout: float, share of the image encoder's channels dropped in
                training.
            power_normalization: bool, whether to take the signed square root of the
                image encoder's features.
            dtype: string or `keras.DTypePolicy`.
        """
        self.image_encoder = image_encoder
        self.region_encoder = RegionEncoder(
            image_encoder.rows,
            image_encoder.columns,
            hidden_dim,
            num_layers,
            num_heads,
            2 * hidden_dim if intermediate_dim is None else intermediate_dim,
            dropout,
            feature_dropout,
            power_normalization,
            dtype=dtype,
            name="region_encoder",
        )

    def image_input(self) -> keras.KerasTensor:
        """A symbolic batch of images, float32 `[batch, size, size, 3]`."""
        side = self.image_encoder.image_size
        return keras.Input((side, side, 3), name="images")

    def regions(self, images: tf.Tensor, training: bool | None = False) -> tf.Tensor:
        """Encodes images as sequences of regions.

        Args:
            images: float32 `[batch, size, size, 3]`.
            training: bool.

        Returns:
            float `[batch, regions, hidden_dim]`.
        """
        features = self.image_encoder(images, training=training)
        return self.region_encoder(features, training=training)

    def regions_of(self, inputs: dict, training: bool | None = False) -> tf.Tensor:
        """Encodes the images, or their cached features, of a batch.

        Args:
            inputs: dict with `images`, float32 `[batch, size, size, 3]`, or with
                `image_features`, float `[batch, regions, channels]`.
            training: bool.

        Returns:
            float `[batch, regions, hidden_dim]`.
        """
        if "image_features" in inputs:
            return self.region_encoder(inputs["image_features"], training=training)
        return self.regions(inputs["images"], training=training)

    def get_config(self) -> dict[str, Any]:
        parts = {
            name: keras.saving.serialize_keras_object(getattr(self, name))
            for name in self.layer_arguments
        }
        return {**super().get_config(), **parts}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> VisionBackbone:
        config = dict(config)
        # Setting it on the whole model would unfreeze encoders that are frozen.
        config.pop("trainable", None)
        for name in cls.layer_arguments:
            if isinstance(config[name], dict):
                config[name] = keras.saving.deserialize_keras_object(config[name])
        return super().from_config(config)
