from __future__ import annotations

from typing import Any

import keras

from mmkeras.arguments import refuse_unknown_arguments
from mmkeras.layers.answer_writer import AnswerWriter
from mmkeras.layers.image_encoder import ImageEncoder
from mmkeras.layers.question_answerer import QuestionAnswerer
from mmkeras.layers.text_decoder import TextDecoder
from mmkeras.models.questions.question_backbone import QuestionBackbone


@keras.saving.register_keras_serializable(package="mmkeras")
class GenerativeVisualQABackbone(QuestionBackbone):
    """Image, region and text encoder, fusion and text decoder, from images to logits.

    Args:
        image_encoder: an `ImageEncoder` layer.
        text_encoder: as `VisualQABackbone` accepts it.
        fusion: a fusion block of `mmkeras.layers.fusion` that returns no logits.
        vocabulary_size: int, number of tokens that answers are written in.
        sequence_length: int, maximum number of tokens of a question.
        answer_length: int, maximum number of tokens of an answer with its end token.
        hidden_dim: int, dimension of the regions.
        num_encoder_layers: int, transformer blocks over the regions; may be 0.
        num_decoder_layers: int, transformer blocks over the answer.
        num_heads: int, attention heads of a block.
        dropout: float, dropout rate.
        feature_dropout: float, share of the image encoder's channels dropped in
            training; against overfitting to the features of a frozen encoder.
        power_normalization: bool, whether to take the signed square root of the image
            encoder's features (`mmkeras.layers.RegionEncoder`).
        modality_dropout: dict of float, as `mmkeras.layers.QuestionAnswerer` accepts
            it.
        dtype: string or `keras.DTypePolicy`.

    Input shape:
        A dict of `images`, float32 `[batch, size, size, 3]`, `image_mask`, int32
        `[batch]` (0 for a missing image), `token_ids`, int32
        `[batch, questions, sequence_length]`, and `answer_ids`, int32
        `[batch, questions, answer_length]`.

    Output shape:
        float32 logits `[batch, questions, answer_length, vocabulary_size]`.
    """

    def __init__(
        self,
        image_encoder: ImageEncoder,
        text_encoder: keras.layers.Layer,
        fusion: keras.layers.Layer,
        vocabulary_size: int,
        sequence_length: int,
        answer_length: int,
        hidden_dim: int = 128,
        num_encoder_layers: int = 1,
        num_decoder_layers: int = 1,
        num_heads: int = 4,
        dropout: float = 0.1,
        feature_dropout: float = 0.0,
        power_normalization: bool = False,
        modality_dropout: dict[str, float] | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        refuse_unknown_arguments(
            kwargs, "GenerativeVisualQABackbone", GenerativeVisualQABackbone
        )
        # === Layers ===
        self.build_vision(
            image_encoder,
            hidden_dim,
            num_encoder_layers,
            num_heads,
            2 * hidden_dim,
            dropout,
            feature_dropout,
            power_normalization,
            dtype,
        )
        self.question_reader = QuestionAnswerer(
            text_encoder,
            fusion,
            None,
            dropout,
            modality_dropout=modality_dropout,
            dtype=dtype,
            name="question_reader",
        )
        decoder = TextDecoder(
            vocabulary_size,
            answer_length,
            fusion.dim,
            num_decoder_layers,
            num_heads,
            2 * fusion.dim,
            dropout,
            word_attention=False,
            word_presence=False,
            dtype=dtype,
            name="text_decoder",
        )
        self.answer_writer = AnswerWriter(decoder, dtype=dtype, name="answer_writer")

        # === Functional Model ===
        inputs = self.question_inputs(sequence_length)
        inputs["answer_ids"] = keras.Input(
            (None, answer_length), dtype="int32", name="answer_ids"
        )
        fused = self.question_reader(
            self.regions(inputs["images"]), inputs["token_ids"], inputs["image_mask"]
        )
        logits = self.answer_writer(inputs["answer_ids"], fused)
        super().__init__(inputs=inputs, outputs=logits, dtype=dtype, **kwargs)

        # === Config ===
        self.vocabulary_size = vocabulary_size
        self.sequence_length = sequence_length
        self.answer_length = answer_length
        self.hidden_dim = hidden_dim
        self.num_encoder_layers = num_encoder_layers
        self.num_decoder_layers = num_decoder_layers
        self.num_heads = num_heads
        self.dropout = dropout
        self.feature_dropout = feature_dropout
        self.power_normalization = power_normalization
        self.modality_dropout = dict(modality_dropout or {})

    @property
    def text_decoder(self) -> TextDecoder:
        """The layer that writes answers."""
        return self.answer_writer.text_decoder

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "sequence_length": self.sequence_length,
            "answer_length": self.answer_length,
            "hidden_dim": self.hidden_dim,
            "num_encoder_layers": self.num_encoder_layers,
            "num_decoder_layers": self.num_decoder_layers,
            "num_heads": self.num_heads,
            "dropout": self.dropout,
            "feature_dropout": self.feature_dropout,
            "power_normalization": self.power_normalization,
            "modality_dropout": self.modality_dropout,
        }
