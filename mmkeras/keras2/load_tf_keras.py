from __future__ import annotations

import os
from typing import Any

import keras

from mmkeras.keras2.compare_models import compare_models
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
    """Converts a Keras 2 model (`tf_keras`) with its weights to Keras 3.

    Functional and sequential models of Keras layers are supported, including shared
    layers, nested models and TensorFlow functions between the layers. The outputs of
    both models are then compared on random inputs. The new model can be trained, saved
    and exported, and needs neither the file nor tf_keras.

    Python code in a file is never executed.

    Args:
        model: path of an `.h5` or `.keras` file or a SavedModel folder written by
            Keras 2, or a `tf_keras.Model`.
        custom_objects: dict from names to the custom classes and functions that
            tf_keras needs to read the file.
        replacements: dict from the name of a custom layer class to its Keras 3 class,
            which is created with `from_config` from the same configuration; or from the
            name of a single layer to a Keras 3 layer. They receive the weights of the
            old layer. To be saved in a preset, they must be registered
            (`keras.saving.register_keras_serializable`).
        architecture: for a file with weights only: path of the JSON file written by
            `model.to_json()`, or a `tf_keras.Model` without the weights.
        output_layer: string, name of the layer whose output becomes the output of the
            model, e.g. the last feature map of a classifier; `None` for the model's
            own.
        input_shape: tuple of int, without the batch, for a model with unknown height
            and width, e.g. `(224, 224, 3)`; or `None`.
        tolerance: float, maximum difference of an output, relative to its largest
            absolute value.
        seed: int, seed of the random inputs.

    Returns:
        A functional `keras.Model`.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if the file cannot be read, a layer cannot be converted, or the
            outputs of the models differ. The message names the layer.

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
            "`model` must be the path of a Keras 2 model or a `tf_keras.Model`. "
            f"Received: {type(model).__name__}."
        )
    if output_layer is not None:
        old = _cut(old, output_layer)
    rebuilt = rebuild_model(old, replacements, input_shape)
    compare_models(rebuilt, input_shape, tolerance, seed)
    return rebuilt.new


def _cut(old, output_layer):
    import tf_keras

    names = [layer.name for layer in getattr(old, "layers", [])]
    if output_layer not in names:
        raise ValueError(
            f"`output_layer` must be a layer of the model {old.name!r}: "
            f"{', '.join(names)}. Received: output_layer={output_layer!r}."
        )
    return tf_keras.Model(old.inputs, old.get_layer(output_layer).output, name=old.name)
