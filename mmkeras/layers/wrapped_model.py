"""Layers that hold a Keras model, in configurations."""

from __future__ import annotations

from typing import Any

import keras

from mmkeras.layers.frozen_layers import (
    freeze_places,
    frozen_places,
    is_trained,
    leaf_layers,
)
from mmkeras.layers.lora import without_lora


def wrapped_config(
    layer: keras.layers.Layer, name: str, model: keras.Model
) -> dict[str, Any]:
    """What a layer's configuration says of the model that it holds.

    Args:
        layer: the layer.
        name: string, the argument of its constructor that is the model.
        model: the model.

    Returns:
        dict of the model under `name`, `trainable`, and `frozen_layers`.
    """
    trainable = layer.trainable and any(map(is_trained, leaf_layers(model)))
    return {
        name: without_lora(keras.saving.serialize_keras_object(model)),
        "trainable": trainable,
        "frozen_layers": frozen_places(model) if trainable else [],
    }


def from_wrapped_config(
    cls: type[keras.layers.Layer], name: str, config: dict[str, Any]
) -> keras.layers.Layer:
    """The layer of a configuration that has what `wrapped_config` gives.

    Args:
        cls: class of the layer, whose constructor takes the model first.
        name: string, as `wrapped_config` takes it.
        config: dict.
    """
    config = dict(config)
    frozen = config.pop("frozen_layers", [])
    model = keras.saving.deserialize_keras_object(config.pop(name))
    freeze_places(model, frozen)
    return cls(model, **config)
