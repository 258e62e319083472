"""Which layers of a model are frozen, so that they are when it is loaded.

Keras thaws all layers of a model that it loads, if one was trainable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import keras


def leaf_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """The layers of a model, those of models inside it among them, in order."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from leaf_layers(layer)
        else:
            yield layer


def is_trained(layer: keras.layers.Layer) -> bool:
    """Whether the layer itself is trained, and not only adapters on it."""
    return any(v.trainable for v in layer.weights if not v.name.startswith("lora_"))


def frozen_places(model: keras.Model) -> list[int]:
    """Places of the frozen layers that have weights, among `leaf_layers`."""
    layers = enumerate(leaf_layers(model))
    return [i for i, layer in layers if layer.weights and not is_trained(layer)]


def freeze_places(model: keras.Model, places: Iterable[int]) -> None:
    """Freezes the layers that `frozen_places` has given."""
    layers = list(leaf_layers(model))
    for place in places:
        layers[place].trainable = False
