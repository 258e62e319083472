from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

if TYPE_CHECKING:
    import tensorflow as tf

_CLASSES = {"SyncBatchNormalization": "BatchNormalization", "ThresholdedReLU": "ReLU"}
_ARGUMENTS = {
    "LeakyReLU": {"alpha": "negative_slope"},
    "ThresholdedReLU": {"theta": "threshold"},
}
_RECURRENT = ("GRU", "LSTM")
_ONLY_IN_TRAINING = ("dropout", "rate", "recurrent_dropout", "stddev")
# Arguments that Keras 3 lacks because they have no effect ...
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
# ... and arguments that have no effect at this value.
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
    """Creates the Keras 3 layer equivalent to a Keras 2 layer, without its weights.

    Args:
        class_name: string, name of a class of `tf_keras.layers`.
        config: dict, from `get_config` of a Keras 2 layer.
        inference: bool, whether the layer is called with `training=False`.

    Returns:
        A layer of `keras.layers`.

    Raises:
        ValueError: if Keras 3 has no equivalent layer or rejects the configuration.
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
            "it is `stateful`, so that its output depends on previous batches. Build "
            "it with `stateful=False`"
        )
    if inference:
        cls, config = _inference(cls, config)
    trainable = config.pop("trainable", True)
    if class_name == "BatchNormalization" or class_name in _CLASSES:
        config = _normalization(class_name, config)
    if class_name in _RECURRENT:
        # cuDNN does not support a row of padding only.
        config["use_cudnn"] = False
    try:
        layer = cls(**config)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Keras 3 rejects its configuration: {error}") from error
    layer.trainable = trainable
    return layer


def clean_config(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration in plain values, without arguments specific to Keras 2."""
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
    """The class and configuration of a layer that acts the same in training."""
    if cls.__name__.startswith("Random"):
        raise ValueError(
            "it is called with `training=False` and thus has no effect. Remove it"
        )
    if cls is keras.layers.BatchNormalization:
        cls = InferenceBatchNormalization
    config = {
        key: 0.0 if key in _ONLY_IN_TRAINING else value for key, value in config.items()
    }
    return cls, config


def _normalization(class_name, config):
    if class_name == "ThresholdedReLU":
        return config
    axis = config["axis"]
    if isinstance(axis, list):
        if len(axis) != 1:
            raise ValueError(f"it normalizes over several axes, {axis}")
        config = {**config, "axis": axis[0]}
    if class_name == "SyncBatchNormalization":
        config = {**config, "synchronized": True}
    return config


@keras.saving.register_keras_serializable(package="mmkeras")
def hard_sigmoid(x: tf.Tensor) -> tf.Tensor:
    """The hard sigmoid of Keras 2, `clip(x / 5 + 1 / 2, 0, 1)`.

    That of Keras 3 has a slope of 1/6.
    """
    return ops.clip(x * 0.2 + 0.5, 0.0, 1.0)


@keras.saving.register_keras_serializable(package="mmkeras")
class InferenceBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization that uses its moving statistics in training too.

    Keras 2 does so in a model that another model calls with `training=False`. Keras 3
    would use batch statistics when the outer model is trained.

    Args:
        **kwargs: as `keras.layers.BatchNormalization`.
    """

    def call(
        self,
        inputs: tf.Tensor,
        training: bool | None = None,
        mask: tf.Tensor | None = None,
    ) -> tf.Tensor:
        return super().call(inputs, training=False, mask=mask)
