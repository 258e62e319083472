from __future__ import annotations

import keras
import keras_hub


class QuestionBackbone(keras_hub.models.Backbone):
    """What the backbones share of tasks that are asked questions about pictures.

    A subclass sets `image_encoder`, `region_encoder` and `reader`, a
    `QuestionAnswerer`, before the constructor of the base, and writes `get_config`.
    """

    @property
    def text_encoder(self) -> keras.layers.Layer:
        """The layer that reads questions."""
        return self.reader.text_encoder

    @property
    def fusion(self) -> keras.layers.Layer:
        """The block that brings pictures and questions together."""
        return self.reader.fusion

    def regions(self, images, training: bool | None = False):
        """What questions are asked about: the regions of the pictures.

        Args:
            images: float32 `[batch, size, size, 3]`.
            training: bool.

        Returns:
            float `[batch, regions, hidden_dim]`.
        """
        features = self.image_encoder(images, training=training)
        return self.region_encoder(features, training=training)

    def question_inputs(self, sequence_length: int) -> dict[str, keras.KerasTensor]:
        """Symbolic `images`, `image_mask` and `token_ids`."""
        side = self.image_encoder.image_size
        return {
            "images": keras.Input((side, side, 3), name="images"),
            "image_mask": keras.Input((), dtype="int32", name="image_mask"),
            "token_ids": keras.Input(
                (None, sequence_length), dtype="int32", name="token_ids"
            ),
        }

    def encoders_config(self) -> dict:
        """The parts of the configuration that are layers."""
        parts = ("image_encoder", "text_encoder", "fusion")
        return {
            name: keras.saving.serialize_keras_object(getattr(self, name))
            for name in parts
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        # Set on the whole, it would thaw encoders that are frozen.
        config.pop("trainable", None)
        for part in ("image_encoder", "text_encoder", "fusion"):
            if isinstance(config[part], dict):
                config[part] = keras.saving.deserialize_keras_object(config[part])
        return super().from_config(config)
