from __future__ import annotations

from typing import Any

import keras
import numpy as np

from mmkeras.keras2.hard_sigmoid import hard_sigmoid
from mmkeras.keras2.inference_batch_normalization import (
    InferenceBatchNormalization,
)

_CLASSES = {"SyncBatchNormalization": "BatchNormalization", "ThresholdedReLU": "ReLU"}
_ARGUMENTS = {
    "LeakyReLU": {"alpha": "negative_slope"},
    "ThresholdedReLU": {"theta": "threshold"},
}
_RECURRENT = ("GRU", "LSTM")
_ONLY_IN_TRAINING = ("dropout", "rate", "recurrent_dropout", "stddev")
# What Keras 3 does not ask for, since it makes no difference ...
_WITHOUT_EFFECT = {
    "batch_input_shape",
    "implementation",
    "input_length",
    "key_shape",
    "query_shape",
    "rng_type",
    "softmax_robust_masking",
    "value_shape",
}
# ... and what makes none as long as it has this value.
_WITHOUT_EFFECT_AT = {
    "activity_regularizer": None,
    "groups": 1,
    "kernel_constraint": None,
    "kernel_regularizer": None,
    "noise_shape": None,
    "seed": None,
    "time_major": False,
}


def convert_layer(
    class_name: str, config: dict[str, Any], inference: bool = False
) -> keras.layers.Layer:
    """A layer of Keras 3 that computes what one of Keras 2 does, without its weights.

    Args:
        class_name: string, name of a class of `tf_keras.layers`.
        config: dict, as `get_config` of a layer of Keras 2 returns it.
        inference: bool, whether it is one that is called with `training=False`.

    Raises:
        ValueError: if Keras 3 has no such layer, or it takes another configuration.
    """
    cls = getattr(keras.layers, _CLASSES.get(class_name, class_name), None)
    if cls is None:
        raise ValueError(f"Keras 3 has no layer {class_name}.")
    config = {
        _ARGUMENTS.get(class_name, {}).get(key, key): _value(key, value, inference)
        for key, value in clean_config(config).items()
    }
    if config.pop("stateful", False):
        raise ValueError(
            "it is `stateful`, so that what it says of an example depends on those "
            "before it. Build it with `stateful=False`"
        )
    if inference:
        cls, config = _inference(cls, config)
    trainable = config.pop("trainable", True)
    if class_name == "BatchNormalization" or class_name in _CLASSES:
        config = _normalization(class_name, config)
    if class_name in _RECURRENT:
        # cuDNN refuses a row that is padding alone.
        config["use_cudnn"] = False
    try:
        layer = cls(**config)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Keras 3 takes another configuration: {error}") from error
    layer.trainable = trainable
    return layer


def clean_config(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration in plain values, without what only Keras 2 knows."""
    plain = {key: _plain(value) for key, value in config.items()}
    kept = {
        key: value
        for key, value in plain.items()
        if key not in _WITHOUT_EFFECT
        and not (key in _WITHOUT_EFFECT_AT and value == _WITHOUT_EFFECT_AT[key])
        # The weights are overwritten.
        and not key.endswith("_initializer")
    }
    if isinstance(kept.get("dtype"), dict):
        kept["dtype"] = kept["dtype"]["config"]["name"]
    if "name" in kept:
        kept["name"] = kept["name"].replace("/", "_")
    return kept


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def _value(key, value, inference):
    if key.endswith("activation") and value == "hard_sigmoid":
        return hard_sigmoid
    if isinstance(value, list):
        return [_value(key, item, inference) for item in value]
    if not isinstance(value, dict) or not _is_layer(value):
        return value
    return convert_layer(value["class_name"], value["config"], inference)


def _is_layer(value) -> bool:
    if value.get("module") is None:
        return hasattr(keras.layers, str(value.get("class_name")))
    return value["module"].startswith(("keras.layers", "tf_keras.layers"))


def _inference(cls, config):
    """The class and the configuration of what is the same in training."""
    if cls.__name__.startswith("Random"):
        raise ValueError(
            "it is called with `training=False`, where it does nothing. Leave it out"
        )
    if cls is keras.layers.BatchNormalization:
        cls = InferenceBatchNormalization
    still = {
        key: 0.0 if key in _ONLY_IN_TRAINING else value for key, value in config.items()
    }
    return cls, still


def _normalization(class_name, config):
    if class_name == "ThresholdedReLU":
        return config
    axis = config["axis"]
    if isinstance(axis, list):
        if len(axis) != 1:
            raise ValueError(f"it normalises over several axes, {axis}")
        config = {**config, "axis": axis[0]}
    if class_name == "SyncBatchNormalization":
        config = {**config, "synchronized": True}
    return config
