from __future__ import annotations

from typing import Any

import keras

from mmkeras.arguments import refuse_unknown_arguments
from mmkeras.layers.image_encoder import ImageEncoder
from mmkeras.layers.text_decoder import TextDecoder
from mmkeras.models.vision_backbone import VisionBackbone


@keras.saving.register_keras_serializable(package="mmkeras")
class ImageCaptionerBackbone(VisionBackbone):
    """Image encoder, region encoder and text decoder, from images to logits.

    Args:
        image_encoder: an `ImageEncoder` layer.
        vocabulary_size: int.
        sequence_length: int, maximum number of tokens of a caption with its end
            token.
        hidden_dim: int, dimension of regions and tokens.
        num_encoder_layers: int, transformer blocks over the regions.
        num_decoder_layers: int, transformer blocks over the text.
        num_heads: int, attention heads of a block.
        intermediate_dim: int, width of the feed-forward parts; 0 for twice
            `hidden_dim`.
        dropout: float, dropout rate.
        word_attention: bool, whether words attend to the regions they are most similar
            to and to their surroundings (`mmkeras.layers.WordAttentionBias`).
        word_context: bool, whether they also attend to the regions of the words they
            attend to. It helps where a word does not directly follow what it
            describes, as in Chinese.
        feature_dropout: float, share of the image encoder's channels dropped in
            training; against overfitting to the features of a frozen encoder.
        power_normalization: bool, whether to take the signed square root of the image
            encoder's features (`mmkeras.layers.RegionEncoder`).
        dtype: string or `keras.DTypePolicy`.

    Input shape:
        A dict of `images`, float32 `[batch, size, size, 3]`, and `token_ids`,
        int32 `[batch, sequence_length]`.

    Output shape:
        float32 logits `[batch, sequence_length, vocabulary_size]`.
    """

    def __init__(
        self,
        image_encoder: ImageEncoder,
        vocabulary_size: int,
        sequence_length: int,
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
        dtype: Any = None,
        **kwargs: Any,
    ):
        refuse_unknown_arguments(
            kwargs, "ImageCaptionerBackbone", ImageCaptionerBackbone
        )
        # === Layers ===
        width = intermediate_dim or 2 * hidden_dim
        self.build_vision(
            image_encoder,
            hidden_dim,
            num_encoder_layers,
            num_heads,
            width,
            dropout,
            feature_dropout,
            power_normalization,
            dtype,
        )
        self.text_decoder = TextDecoder(
            vocabulary_size,
            sequence_length,
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
        inputs = {
            "images": self.image_input(),
            "token_ids": keras.Input(
                (sequence_length,), dtype="int32", name="token_ids"
            ),
        }
        regions = self.regions(inputs["images"])
        logits = self.text_decoder(inputs["token_ids"], regions)
        super().__init__(inputs=inputs, outputs=logits, dtype=dtype, **kwargs)

        # === Config ===
        self.vocabulary_size = vocabulary_size
        self.sequence_length = sequence_length
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

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "sequence_length": self.sequence_length,
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
