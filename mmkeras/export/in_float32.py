from __future__ import annotations

from typing import TYPE_CHECKING

import keras

if TYPE_CHECKING:
    from mmkeras.models import Task

_HALVES = ("mixed_bfloat16", "mixed_float16", "bfloat16", "float16")


def in_float32(task: Task) -> Task:
    """A task with all layers in float32, which LiteRT can convert.

    Args:
        task: a task of `mmkeras.models`.

    Returns:
        The task itself, or a copy with the same weights.

    Raises:
        ValueError: if Keras has quantized a layer.
    """
    policies = {layer.dtype_policy.name for layer in task.backbone._flatten_layers()}
    quantized = sorted(name for name in policies if "_from_" in name)
    if quantized:
        raise ValueError(
            f"LiteRT cannot convert a model quantized by Keras ({quantized[0]}). "
            "Export the model before quantization, with precision='dynamic_int8' or "
            "'weight_only_int8'."
        )
    if not policies & set(_HALVES):
        return task
    config = keras.saving.serialize_keras_object(task.backbone)
    backbone = keras.saving.deserialize_keras_object(_replaced(config))
    copy = type(task)(backbone, task.preprocessor, compile=False)
    copy.set_weights(task.get_weights())
    copy.samples = task.samples
    return copy


def _replaced(config):
    if isinstance(config, dict):
        return {key: _replaced(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_replaced(value) for value in config)
    return "float32" if config in _HALVES else config
