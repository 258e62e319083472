from __future__ import annotations

import keras

from mmkeras.models.vision_backbone import VisionBackbone


class QuestionBackbone(VisionBackbone):
    """A backbone that reads questions about images; a base class.

    A subclass sets `question_reader`, a `QuestionAnswerer`, besides what
    `VisionBackbone` asks for.
    """

    layer_arguments = ("image_encoder", "text_encoder", "fusion")

    @property
    def text_encoder(self) -> keras.layers.Layer:
        """The layer that encodes questions."""
        return self.question_reader.text_encoder

    @property
    def fusion(self) -> keras.layers.Layer:
        """The fusion block of image and question."""
        return self.question_reader.fusion

    def question_inputs(self, sequence_length: int) -> dict[str, keras.KerasTensor]:
        """Symbolic `images`, `image_mask` and `token_ids`.

        Args:
            sequence_length: int, number of tokens of a question.
        """
        return {
            "images": self.image_input(),
            "image_mask": keras.Input((), dtype="int32", name="image_mask"),
            "token_ids": keras.Input(
                (None, sequence_length), dtype="int32", name="token_ids"
            ),
        }
