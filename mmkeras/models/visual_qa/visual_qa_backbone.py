from __future__ import annotations

from typing import Any

import keras

from mmkeras.arguments import refuse_unknown_arguments
from mmkeras.layers.image_encoder import ImageEncoder
from mmkeras.layers.question_answerer import QuestionAnswerer
from mmkeras.models.questions.question_backbone import QuestionBackbone


@keras.saving.register_keras_serializable(package="mmkeras")
class VisualQABackbone(QuestionBackbone):
    """Image encoder, region encoder and question answerer, from images to logits.

    Args:
        image_encoder: an `ImageEncoder` layer.
        text_encoder: a layer from token ids `[rows, length]` to
            `[rows, length, dim]`, with `mask(token_ids)`, e.g.
            `mmkeras.layers.RecurrentTextEncoder`.
        fusion: a fusion block of `mmkeras.layers.fusion`.
        num_answers: int, number of answers to choose from.
        sequence_length: int, maximum number of tokens of a question.
        hidden_dim: int, dimension of the regions.
        num_encoder_layers: int, transformer blocks over the regions; may be 0.
        num_heads: int, attention heads of a block.
        dropout: float, dropout rate.
        feature_dropout: float, share of the image encoder's channels dropped in
            training; against overfitting to the features of a frozen encoder.
        power_normalization: bool, whether to take the signed square root of the image
            encoder's features (`mmkeras.layers.RegionEncoder`).
        modality_heads: bool, as `mmkeras.layers.QuestionAnswerer` accepts it.
        modality_dropout: dict of float, as `QuestionAnswerer` accepts it.
        dtype: string or `keras.DTypePolicy`.

    Input shape:
        A dict of `images`, float32 `[batch, size, size, 3]`, `image_mask`, int32
        `[batch]` (0 for a missing image), and `token_ids`, int32
        `[batch, questions, sequence_length]`.

    Output shape:
        float32 logits `[batch, questions, num_answers]`; with `modality_heads=True` a
        dict of logits: `"answer"`, `"image"`, `"text"`.
    """

    def __init__(
        self,
        image_encoder: ImageEncoder,
        text_encoder: keras.layers.Layer,
        fusion: keras.layers.Layer,
        num_answers: int,
        sequence_length: int,
        hidden_dim: int = 128,
        num_encoder_layers: int = 1,
        num_heads: int = 4,
        dropout: float = 0.1,
        feature_dropout: float = 0.0,
        power_normalization: bool = False,
        modality_heads: bool = False,
        modality_dropout: dict[str, float] | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        refuse_unknown_arguments(kwargs, "VisualQABackbone", VisualQABackbone)
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
            num_answers,
            dropout,
            modality_heads,
            modality_dropout,
            dtype=dtype,
            name="question_answerer",
        )

        # === Functional Model ===
        inputs = self.question_inputs(sequence_length)
        logits = self.question_reader(
            self.regions(inputs["images"]), inputs["token_ids"], inputs["image_mask"]
        )
        super().__init__(inputs=inputs, outputs=logits, dtype=dtype, **kwargs)

        # === Config ===
        self.num_answers = num_answers
        self.sequence_length = sequence_length
        self.hidden_dim = hidden_dim
        self.num_encoder_layers = num_encoder_layers
        self.num_heads = num_heads
        self.dropout = dropout
        self.feature_dropout = feature_dropout
        self.power_normalization = power_normalization
        self.modality_heads = modality_heads
        self.modality_dropout = dict(modality_dropout or {})

    @property
    def head_hidden(self) -> keras.layers.Dense | None:
        """The hidden layer of the head, or `None` if the fusion block has logits."""
        return self.question_reader.head_hidden

    @property
    def head(self) -> keras.layers.Dense | None:
        """The output layer of the head, or `None` if the fusion block has logits."""
        return self.question_reader.head

    @property
    def image_head(self) -> keras.layers.Dense | None:
        """The head on the image alone, with `modality_heads`."""
        return self.question_reader.heads.get("image")

    @property
    def text_head(self) -> keras.layers.Dense | None:
        """The head on the question alone, with `modality_heads`."""
        return self.question_reader.heads.get("text")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_answers": self.num_answers,
            "sequence_length": self.sequence_length,
            "hidden_dim": self.hidden_dim,
            "num_encoder_layers": self.num_encoder_layers,
            "num_heads": self.num_heads,
            "dropout": self.dropout,
            "feature_dropout": self.feature_dropout,
            "power_normalization": self.power_normalization,
            "modality_heads": self.modality_heads,
            "modality_dropout": self.modality_dropout,
        }
