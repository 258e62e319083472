from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.arguments import whole_number
from mmkeras.layers.wrapped_model import (
    from_wrapped_config,
    leaf_layers,
    wrapped_config,
)

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class ImageEncoder(keras.layers.Layer):
    """Encodes images as a grid of region tokens with any image model.

    Args:
        model: a `keras.Model` from float32 `[batch, height, width, 3]` to a feature
            map `[batch, rows, columns, channels]`, e.g. a model of `keras.applications`
            with `include_top=False`, or a KerasHub image backbone.
        trainable: bool, `False` for a frozen encoder, whose batch normalization
            then keeps its statistics too. `True` leaves the layers of the model
            unchanged: frozen ones stay frozen.

    Input shape:
        float32 `[batch, height, width, 3]`, in the range expected by the model.

    Output shape:
        `[batch, rows * columns, channels]`, row by row.

    Raises:
        ValueError: if the output of the model is not a feature map of known size.

    Example:
        ```python
        cnn = keras.applications.MobileNetV3Small(
            input_shape=(96, 96, 3), include_top=False, weights=None)
        for layer in cnn.layers[:-20]:
            layer.trainable = False
        ImageEncoder(cnn)(np.zeros((2, 96, 96, 3), "float32")).shape  # (2, 9, 576)
        ```
    """

    def __init__(self, model: keras.Model, trainable: bool = True, **kwargs: Any):
        super().__init__(**kwargs)
        shape = getattr(model, "output_shape", None)
        if not isinstance(shape, tuple) or len(shape) != 4 or None in shape[1:]:
            raise ValueError(
                "`model` must end in a feature map [batch, rows, columns, channels] "
                "of known size. Build it without its classifier (`include_top=False`) "
                "and with a fixed input size (`input_shape=(224, 224, 3)`). Received: "
                f"a model with output shape {shape}."
            )
        self.model = model
        # Setting it to True would unfreeze the frozen layers of the model.
        if not trainable or (model.weights and not model.trainable_weights):
            self.trainable = False
        _, self.rows, self.columns, self.channels = shape

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if not self.model.built:
            self.model.build(input_shape)

    @property
    def image_size(self) -> int:
        """Side length of the square input in pixels."""
        return self.model.input_shape[1]

    def call(self, images: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        maps = self.model(images, training=training and self.trainable)
        return ops.reshape(maps, (-1, self.rows * self.columns, self.channels))

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return (input_shape[0], self.rows * self.columns, self.channels)

    def unfreeze(self, last_layers: int | None = None) -> None:
        """Trains the last layers and freezes the others.

        Batch normalization stays frozen: statistics of small batches would be worse
        than those of pretraining.

        Args:
            last_layers: int, number of layers with weights to train, counted from the
                last without batch normalization; 0 for none, `None` for all.

        Raises:
            ValueError: if `last_layers` is larger than the number of such layers.
        """
        layers = [
            layer
            for layer in leaf_layers(self.model)
            if layer.weights and not isinstance(layer, keras.layers.BatchNormalization)
        ]
        number = len(layers)
        if last_layers is not None:
            number = whole_number("last_layers", last_layers, 0, len(layers))
        self.trainable = number > 0
        for layer in leaf_layers(self.model):
            layer.trainable = False
        for layer in layers[len(layers) - number :]:
            layer.trainable = True

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **wrapped_config(self, "model", self.model),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ImageEncoder:
        return from_wrapped_config(cls, "model", config)
