from __future__ import annotations

import keras
import keras_hub

from mmkeras.arguments.refuse_unknown_arguments import refuse_unknown_arguments
from mmkeras.layers.image_encoder import ImageEncoder
from mmkeras.layers.region_encoder import RegionEncoder
from mmkeras.layers.text_decoder import TextDecoder


@keras.saving.register_keras_serializable(package="mmkeras")
class ImageCaptionerBackbone(keras_hub.models.Backbone):
    """Image encoder, region encoder and text decoder: pictures to logits.

    Args:
        image_encoder: an `ImageEncoder` layer.
        vocabulary_size: int.
        max_length: int, the most tokens of a caption.
        hidden_dim: int, dimension of regions and tokens.
        num_encoder_layers: int, transformer blocks over the regions.
        num_decoder_layers: int, transformer blocks over the text.
        num_heads: int.
        intermediate_dim: int, width of the feed-forward parts; 0 for twice
            `hidden_dim`.
        dropout: float.
        feature_dropout: float, share of the image encoder's channels that are dropped
            in training; against overfitting to the features of a frozen encoder.
        power_normalization: bool, whether the image encoder's features are tamed by a
            square root (`mmkeras.layers.RegionEncoder`).
        word_attention: bool, whether words attend to what they were recognised
            in and to its surroundings (`mmkeras.layers.WordAttentionBias`).
        word_context: bool, whether they also attend to that of the words they look
            back at. It helps where what is said of a word does not follow it at
            once, as in Chinese.
        dtype: string or `keras.DTypePolicy`.

    Input shape:
        A dict of `images`, float32 `[batch, size, size, 3]`, and `token_ids`,
        int32 `[batch, max_length]`.

    Output shape:
        float32 logits `[batch, max_length, vocabulary_size]`.
    """

    def __init__(
        self,
        image_encoder: ImageEncoder,
        vocabulary_size: int,
        max_length: int,
        hidden_dim: int = 128,
        num_encoder_layers: int = 2,
        num_decoder_layers: int = 2,
        num_heads: int = 4,
        intermediate_dim: int = 0,
        dropout: float = 0.1,
        word_attention: bool = True,
        word_context: bool = True,
        feature_dropout: float = 0.0,
        power_normalization: bool = False,
        dtype=None,
        **kwargs,
    ):
        refuse_unknown_arguments(
            kwargs, "ImageCaptionerBackbone", ImageCaptionerBackbone
        )
        # === Layers ===
        width = intermediate_dim or 2 * hidden_dim
        self.image_encoder = image_encoder
        self.region_encoder = RegionEncoder(
            image_encoder.rows,
            image_encoder.columns,
            hidden_dim,
            num_encoder_layers,
            num_heads,
            width,
            dropout,
            feature_dropout,
            power_normalization,
            dtype=dtype,
            name="region_encoder",
        )
        self.text_decoder = TextDecoder(
            vocabulary_size,
            max_length,
            hidden_dim,
            num_decoder_layers,
            num_heads,
            width,
            dropout,
            word_attention,
            word_context,
            memory_grid=(image_encoder.rows, image_encoder.columns),
            dtype=dtype,
            name="text_decoder",
        )

        # === Functional Model ===
        side = image_encoder.image_size
        inputs = {
            "images": keras.Input((side, side, 3), name="images"),
            "token_ids": keras.Input((max_length,), dtype="int32", name="token_ids"),
        }
        memory = self.memory(inputs["images"])
        logits = self.text_decoder(inputs["token_ids"], memory)
        super().__init__(inputs=inputs, outputs=logits, dtype=dtype, **kwargs)

        # === Config ===
        self.vocabulary_size = vocabulary_size
        self.max_length = max_length
        self.hidden_dim = hidden_dim
        self.num_encoder_layers = num_encoder_layers
        self.num_decoder_layers = num_decoder_layers
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.dropout = dropout
        self.word_attention = word_attention
        self.word_context = word_context
        self.feature_dropout = feature_dropout
        self.power_normalization = power_normalization

    def memory(self, images, training: bool | None = False):
        """What the decoder writes about: the regions of the pictures.

        Args:
            images: float32 `[batch, size, size, 3]`.
            training: bool.

        Returns:
            float `[batch, regions, hidden_dim]`.
        """
        features = self.image_encoder(images, training=training)
        return self.region_encoder(features, training=training)

    def get_config(self):
        return {
            **super().get_config(),
            "image_encoder": keras.saving.serialize_keras_object(self.image_encoder),
            "vocabulary_size": self.vocabulary_size,
            "max_length": self.max_length,
            "hidden_dim": self.hidden_dim,
            "num_encoder_layers": self.num_encoder_layers,
            "num_decoder_layers": self.num_decoder_layers,
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "dropout": self.dropout,
            "word_attention": self.word_attention,
            "word_context": self.word_context,
            "feature_dropout": self.feature_dropout,
            "power_normalization": self.power_normalization,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        # Set on the whole, it would thaw an image encoder that is frozen.
        config.pop("trainable", None)
        # Presets from before there were such things do not say that they lack them.
        config.setdefault("word_attention", False)
        config.setdefault("word_context", False)
        encoder = config["image_encoder"]
        if isinstance(encoder, dict):
            config["image_encoder"] = keras.saving.deserialize_keras_object(encoder)
        return super().from_config(config)
