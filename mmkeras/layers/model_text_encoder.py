from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.layers.text_encoder import TextEncoder
from mmkeras.layers.wrapped_model import (
    from_wrapped_config,
    leaf_layers,
    wrapped_config,
)

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class ModelTextEncoder(TextEncoder):
    """Encodes texts with any functional Keras model.

    The model itself must mask padding, by `Embedding(mask_zero=True)` or by means of
    its input for a mask.

    Args:
        model: a functional `keras.Model` from token ids `[rows, length]` and, if it has
            a second input, a mask of the same shape (bool, or with "mask" in its name;
            1 for tokens that are not padding), to `[rows, length, dim]`. If `length` is
            fixed, shorter texts are padded to it.
        trainable: bool, `False` for a frozen encoder. `True` leaves the layers of the
            model unchanged: frozen ones stay frozen.
        pad_token_id: int, the padding token.

    Call arguments:
        token_ids: int `[rows, length]`.
        training: bool.

    Output shape:
        float `[rows, length, dim]`; 0 at padding.

    Raises:
        ValueError: if the model has other inputs or outputs or another padding token,
            or texts are longer than it supports.

    Example:
        ```python
        ids = keras.Input((None,), dtype="int32")
        x = keras.layers.Embedding(100, 64, mask_zero=True)(ids)
        x = keras.layers.LSTM(64, return_sequences=True)(x)
        encoder = ModelTextEncoder(keras.Model(ids, x))
        encoder(np.array([[7, 8, 9, 0, 0]])).shape  # (1, 5, 64)
        ```
    """

    def __init__(
        self,
        model: keras.Model,
        trainable: bool = False,
        pad_token_id: int = 0,
        **kwargs: Any,
    ):
        super().__init__(_dim(model), pad_token_id, **kwargs)
        self.model = model
        self._input_kinds = _input_kinds(model)
        if pad_token_id and any(_masks_zero(layer) for layer in leaf_layers(model)):
            raise ValueError(
                "The padding token of the model is 0 (`mask_zero=True`). Received: "
                f"pad_token_id={pad_token_id}. Use a tokenizer that pads with 0."
            )
        # Setting it to True would unfreeze the frozen layers of the model.
        if not trainable or (model.weights and not model.trainable_weights):
            self.trainable = False

    @property
    def max_length(self) -> int | None:
        """Fixed length of the input of the model, or `None` if any is supported."""
        return self._ids.shape[1]

    @property
    def vocabulary_size(self) -> int | None:
        """Number of tokens that the model embeds, or `None` if it is unknown."""
        sizes = [
            layer.input_dim
            for layer in self.model.layers
            if isinstance(layer, keras.layers.Embedding) and layer.input is self._ids
        ]
        return min(sizes, default=None)

    @property
    def _ids(self):
        return self.model.inputs[self._input_kinds.index("ids")]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if not self.model.built:
            self.model.build(input_shape)

    def encode(
        self, token_ids: tf.Tensor, mask: tf.Tensor, training: bool | None = None
    ) -> tf.Tensor:
        self._require_length(token_ids, self.max_length)
        length = ops.shape(token_ids)[1]
        if self.max_length is not None:
            padding = [[0, 0], [0, self.max_length - length]]
            token_ids = ops.pad(token_ids, padding, constant_values=self.pad_token_id)
            mask = ops.pad(ops.cast(mask, "int32"), padding)
        values = {"ids": token_ids, "mask": mask}
        inputs = [
            ops.cast(values[kind], tensor.dtype)
            for kind, tensor in zip(self._input_kinds, self.model.inputs, strict=True)
        ]
        structure = keras.tree.pack_sequence_as(self.model.input, inputs)
        output = self.model(structure, training=training)
        return ops.cast(output[:, :length], self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **wrapped_config(self, "model", self.model),
            "pad_token_id": self.pad_token_id,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ModelTextEncoder:
        return from_wrapped_config(cls, "model", config)


def _masks_zero(layer) -> bool:
    return isinstance(layer, keras.layers.Embedding) and layer.mask_zero


def _dim(model) -> int:
    shape = getattr(model, "output_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 3 or shape[-1] is None:
        raise ValueError(
            "`model` must be a functional model that returns one vector for each token "
            f"[rows, length, dim]. Received: a model with output shape {shape}. End "
            "the model before its pooling layer (`load_tf_keras(..., output_layer=)`)."
        )
    return shape[-1]


def _input_kinds(model) -> list[str]:
    kinds = ["mask" if _is_mask(tensor) else "ids" for tensor in model.inputs]
    shapes = [len(tensor.shape) for tensor in model.inputs]
    if sorted(kinds) not in (["ids"], ["ids", "mask"]) or set(shapes) != {2}:
        names = ", ".join(f"{t.name!r} {tuple(t.shape)}" for t in model.inputs)
        raise ValueError(
            "The inputs of `model` must be token ids [rows, length] and optionally a "
            'mask (bool, or with "mask" in its name). Received: a model with the '
            f"inputs {names}."
        )
    return kinds


def _is_mask(tensor) -> bool:
    return tensor.dtype == "bool" or "mask" in tensor.name.lower()
