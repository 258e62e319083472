from __future__ import annotations

import os
from typing import Any

import keras

from mmkeras.keras2.compare_models import compare_models
from mmkeras.keras2.random_inputs import random_inputs
from mmkeras.keras2.read_keras2 import read_keras2
from mmkeras.keras2.rebuild_model import rebuild_model


def load_tf_keras(
    model: Any,
    custom_objects: dict[str, Any] | None = None,
    replacements: dict[str, Any] | None = None,
    architecture: Any = None,
    output_layer: str | None = None,
    input_shape: tuple[int, ...] | None = None,
    tolerance: float = 1e-4,
    seed: int = 0,
) -> keras.Model:
    """Builds a model of Keras 2 (`tf_keras`) again in Keras 3, with its weights.

    Functional and sequential models of the layers of Keras are rebuilt, with shared
    layers, models within models, and functions of TensorFlow between the layers. Both
    models are then given the same random inputs, and must return the same. The new
    one can be trained, saved and exported, and needs neither the file nor tf_keras any
    more.

    Nothing in a file is run as Python code.

    Args:
        model: path of an `.h5` or `.keras` file or a SavedModel folder that Keras 2 has
            written; or a `tf_keras.Model`.
        custom_objects: dict of classes and functions of one's own that tf_keras needs
            to read the file, by name.
        replacements: dict from the name of a class of layers of one's own to its class
            for Keras 3, which is made by `from_config` of the old configuration; or
            from the name of a single layer to a layer of Keras 3. They get the weights
            of the old one. To be in a preset, they must be registered
            (`keras.saving.register_keras_serializable`).
        architecture: for a file of weights alone: path of the JSON that
            `model.to_json()` wrote, or a `tf_keras.Model` without the weights.
        output_layer: string, name of the layer whose output is the model's, e.g. the
            last feature map of a classifier; or `None` for the model's own.
        input_shape: tuple of int, without the batch, for a model that leaves height and
            width open, e.g. `(224, 224, 3)`; or `None`.
        tolerance: float, how much an output may differ, as a share of the largest
            absolute value in it.
        seed: int, of the random inputs.

    Returns:
        A functional `keras.Model`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file cannot be read, a layer cannot be rebuilt, or the new
            model gives something else than the old one. The layer is named.

    Example:
        ```python
        backbone = mmkeras.keras2.load_tf_keras("old/backbone.h5")
        pixels = keras.Input((224, 224, 3))
        scaled = keras.layers.Rescaling(1 / 127.5, -1)(pixels)
        model = keras.Model(pixels, backbone(scaled))
        captioner = mmkeras.models.ImageCaptioner.from_data(train, image_encoder=model)
        ```
    """
    import tf_keras

    if isinstance(model, tf_keras.Model):
        old = model
    elif isinstance(model, (str, os.PathLike)):
        old = read_keras2(model, custom_objects, architecture)
    else:
        raise ValueError(
            "`model` must be the path of a model of Keras 2, or a `tf_keras.Model`. "
            f"Received: {type(model).__name__}."
        )
    if output_layer is not None:
        old = _cut(old, output_layer)
    rebuilt = rebuild_model(old, replacements, input_shape)
    compare_models(rebuilt, random_inputs(old, input_shape, seed), tolerance)
    return rebuilt.new


def _cut(old, output_layer):
    import tf_keras

    names = [layer.name for layer in getattr(old, "layers", [])]
    if output_layer not in names:
        raise ValueError(
            f"The model {old.name!r} has no layer {output_layer!r}. Received: "
            f"output_layer={output_layer!r}, where its layers are {', '.join(names)}."
        )
    return tf_keras.Model(old.inputs, old.get_layer(output_layer).output, name=old.name)
