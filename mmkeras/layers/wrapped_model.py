"""Configurations of layers that wrap a Keras model.

They record which layers of the model are frozen: Keras unfreezes all layers of a model
that it loads if one was trainable.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras


def leaf_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """The layers of a model in order, with those of nested models in their place."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from leaf_layers(layer)
        else:
            yield layer


def wrapped_config(
    layer: keras.layers.Layer, name: str, model: keras.Model
) -> dict[str, Any]:
    """The part of a layer's configuration that describes its model.

    Args:
        layer: the layer.
        name: string, the constructor argument for the model.
        model: the model.

    Returns:
        dict of the serialized model under `name`, `trainable`, and `frozen_layers`, the
        indices in `leaf_layers` of the frozen layers with weights.
    """
    trainable = layer.trainable and any(map(_is_trained, leaf_layers(model)))
    leaves = enumerate(leaf_layers(model))
    frozen = [i for i, leaf in leaves if leaf.weights and not _is_trained(leaf)]
    return {
        name: _without_lora(keras.saving.serialize_keras_object(model)),
        "trainable": trainable,
        "frozen_layers": frozen if trainable else [],
    }


def from_wrapped_config(
    cls: type[keras.layers.Layer], name: str, config: dict[str, Any]
) -> keras.layers.Layer:
    """Creates a layer from a configuration made with `wrapped_config`.

    Args:
        cls: class of the layer, whose constructor takes the model first.
        name: string, the constructor argument for the model.
        config: dict.

    Returns:
        The layer.
    """
    config = dict(config)
    frozen = config.pop("frozen_layers", [])
    model = keras.saving.deserialize_keras_object(config.pop(name))
    leaves = list(leaf_layers(model))
    for index in frozen:
        leaves[index].trainable = False
    return cls(model, **config)


def _is_trained(layer) -> bool:
    """Whether the layer itself is trained, not only LoRA adapters on it."""
    return any(v.trainable for v in layer.weights if not v.name.startswith("lora_"))


def _without_lora(config):
    """A serialized model without LoRA adapters: the saved kernels are merged."""
    if isinstance(config, dict):
        items = config.items()
        return {k: _without_lora(v) for k, v in items if not k.startswith("lora_")}
    if isinstance(config, (list, tuple)):
        return type(config)(_without_lora(item) for item in config)
    return config
