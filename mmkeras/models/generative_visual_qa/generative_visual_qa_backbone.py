from __future__ import annotations

import keras

from mmkeras.arguments.refuse_unknown_arguments import refuse_unknown_arguments
from mmkeras.layers.answer_writer import AnswerWriter
from mmkeras.layers.image_encoder import ImageEncoder
from mmkeras.layers.question_answerer import QuestionAnswerer
from mmkeras.layers.region_encoder import RegionEncoder
from mmkeras.layers.text_decoder import TextDecoder
from mmkeras.models.questions.question_backbone import QuestionBackbone


@keras.saving.register_keras_serializable(package="mmkeras")
class GenerativeVisualQABackbone(QuestionBackbone):
    """Image encoder, region encoder, question reader and a decoder of answers.

    The fusion block makes one vector of a picture and a question, and the decoder
    writes the answer about that vector.

    Args:
        image_encoder: an `ImageEncoder` layer.
        text_encoder: a layer from token ids `[rows, length]` to
            `[rows, length, dim]`, with `mask(token_ids)`.
        fusion: a fusion block of `mmkeras.layers.fusion`; its `dim` is that of the
            decoder.
        vocabulary_size: int, pieces that answers are written in.
        sequence_length: int, tokens of a question.
        max_length: int, the most tokens of an answer.
        hidden_dim: int, dimension of the regions.
        num_encoder_layers: int, transformer blocks over the regions; may be 0.
        num_decoder_layers: int, transformer blocks of the decoder.
        num_heads: int.
        dropout: float.
        modality_dropout: dict of float, as `mmkeras.layers.QuestionAnswerer` takes it.
        dtype: string or `keras.DTypePolicy`.

    Input shape:
        A dict of `images`, float32 `[batch, size, size, 3]`, `image_mask`, int32
        `[batch]` (0 for no picture), `token_ids`, int32
        `[batch, questions, sequence_length]`, and `answer_ids`, int32
        `[batch, questions, max_length]`.

    Output shape:
        float32 logits `[batch, questions, max_length, vocabulary_size]`.
    """

    def __init__(
        self,
        image_encoder: ImageEncoder,
        text_encoder: keras.layers.Layer,
        fusion: keras.layers.Layer,
        vocabulary_size: int,
        sequence_length: int,
        max_length: int,
        hidden_dim: int = 128,
        num_encoder_layers: int = 1,
        num_decoder_layers: int = 1,
        num_heads: int = 4,
        dropout: float = 0.1,
        modality_dropout: dict[str, float] | None = None,
        dtype=None,
        **kwargs,
    ):
        refuse_unknown_arguments(
            kwargs, "GenerativeVisualQABackbone", GenerativeVisualQABackbone
        )
        # === Layers ===
        self.image_encoder = image_encoder
        self.region_encoder = RegionEncoder(
            image_encoder.rows,
            image_encoder.columns,
            hidden_dim,
            num_encoder_layers,
            num_heads,
            2 * hidden_dim,
            dropout,
            dtype=dtype,
            name="region_encoder",
        )
        self.reader = QuestionAnswerer(
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
            max_length,
            fusion.dim,
            num_decoder_layers,
            num_heads,
            2 * fusion.dim,
            dropout,
            word_attention=False,
            dtype=dtype,
            name="text_decoder",
        )
        self.answer_writer = AnswerWriter(decoder, dtype=dtype, name="answer_writer")

        # === Functional Model ===
        inputs = self.question_inputs(sequence_length)
        inputs["answer_ids"] = keras.Input(
            (None, max_length), dtype="int32", name="answer_ids"
        )
        read = self.reader(
            self.regions(inputs["images"]), inputs["token_ids"], inputs["image_mask"]
        )
        logits = self.answer_writer(inputs["answer_ids"], read)
        super().__init__(inputs=inputs, outputs=logits, dtype=dtype, **kwargs)

        # === Config ===
        self.vocabulary_size = vocabulary_size
        self.sequence_length = sequence_length
        self.max_length = max_length
        self.hidden_dim = hidden_dim
        self.num_encoder_layers = num_encoder_layers
        self.num_decoder_layers = num_decoder_layers
        self.num_heads = num_heads
        self.dropout = dropout
        self.modality_dropout = dict(modality_dropout or {})

    @property
    def text_decoder(self) -> TextDecoder:
        """The layer that writes answers."""
        return self.answer_writer.text_decoder

    def get_config(self):
        return {
            **super().get_config(),
            **self.encoders_config(),
            "vocabulary_size": self.vocabulary_size,
            "sequence_length": self.sequence_length,
            "max_length": self.max_length,
            "hidden_dim": self.hidden_dim,
            "num_encoder_layers": self.num_encoder_layers,
            "num_decoder_layers": self.num_decoder_layers,
            "num_heads": self.num_heads,
            "dropout": self.dropout,
            "modality_dropout": self.modality_dropout,
        }
