from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import keras_hub
from keras import ops

from mmkeras.layers.text_encoder import TextEncoder
from mmkeras.layers.wrapped_model import from_wrapped_config, wrapped_config

if TYPE_CHECKING:
    import tensorflow as tf

_INPUTS = {"token_ids", "padding_mask", "segment_ids"}


@keras.saving.register_keras_serializable(package="mmkeras")
class KerasHubTextEncoder(TextEncoder):
    """Encodes texts with any text backbone of KerasHub.

    Args:
        backbone: a `keras_hub.models.Backbone` from `token_ids`, `padding_mask` and,
            for some, `segment_ids`, to one sequence: BERT, DistilBERT, RoBERTa,
            DeBERTa, GPT-2, ...
        trainable: bool, `False` for a frozen encoder. `True` leaves the layers of the
            backbone unchanged: frozen ones stay frozen.
        pad_token_id: int, the padding token (`pad_token_id` of the tokenizer).

    Call arguments:
        token_ids: int `[rows, length]`.
        training: bool.

    Output shape:
        float `[rows, length, dim]`; 0 at padding.

    Raises:
        ValueError: if the backbone has other inputs or outputs, or texts are longer
            than it supports.

    Example:
        ```python
        backbone = keras_hub.models.BertBackbone(
            vocabulary_size=100, num_layers=2, num_heads=2, hidden_dim=64,
            intermediate_dim=128)
        encoder = KerasHubTextEncoder(backbone)
        encoder(np.array([[7, 8, 9, 0, 0]])).shape  # (1, 5, 64)
        ```
    """

    def __init__(
        self,
        backbone: keras_hub.models.Backbone,
        trainable: bool = False,
        pad_token_id: int = 0,
        **kwargs: Any,
    ):
        super().__init__(_dim(backbone), pad_token_id, **kwargs)
        self.backbone = backbone
        # Setting it to True would unfreeze the frozen layers of the backbone.
        if not trainable or (backbone.weights and not backbone.trainable_weights):
            self.trainable = False

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if not self.backbone.built:
            self.backbone.build(input_shape)

    def encode(
        self, token_ids: tf.Tensor, mask: tf.Tensor, training: bool | None = None
    ) -> tf.Tensor:
        self._require_length(
            token_ids, getattr(self.backbone, "max_sequence_length", None)
        )
        inputs = {"token_ids": token_ids, "padding_mask": ops.cast(mask, "int32")}
        if "segment_ids" in self.backbone.input:
            inputs["segment_ids"] = ops.zeros_like(token_ids)
        outputs = self.backbone(inputs, training=training)
        return ops.cast(_sequence(outputs), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **wrapped_config(self, "backbone", self.backbone),
            "pad_token_id": self.pad_token_id,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> KerasHubTextEncoder:
        return from_wrapped_config(cls, "backbone", config)


def _sequence(outputs):
    """The sequence among the outputs of a text backbone, or `None`."""
    if isinstance(outputs, dict):
        outputs = outputs.get("sequence_output")
    return outputs if len(getattr(outputs, "shape", ())) == 3 else None


def _dim(backbone) -> int:
    inputs = getattr(backbone, "input", None)
    names = set(inputs) if isinstance(inputs, dict) else set()
    known = {"token_ids", "padding_mask"} <= names <= _INPUTS
    if not known or _sequence(backbone.output) is None:
        raise ValueError(
            "`backbone` must be a KerasHub backbone from `token_ids` and "
            "`padding_mask` (and `segment_ids`) to one sequence, such as BertBackbone. "
            f"Received: {type(backbone).__name__} with inputs {sorted(names)}."
        )
    return _sequence(backbone.output).shape[-1]
