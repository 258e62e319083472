"""Activation functions of transformers, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import ops

if TYPE_CHECKING:
    import tensorflow as tf


def gelu_tanh(x: tf.Tensor) -> tf.Tensor:
    """The tanh approximation of GELU, as in GPT-2."""
    return keras.activations.gelu(x, approximate=True)


def quick_gelu(x: tf.Tensor) -> tf.Tensor:
    """The sigmoid approximation of GELU, `x * sigmoid(1.702 * x)`, as in CLIP."""
    return x * ops.sigmoid(1.702 * x)


ACTIVATIONS = {
    "gelu": keras.activations.gelu,
    "gelu_tanh": gelu_tanh,
    "quick_gelu": quick_gelu,
    "relu": keras.activations.relu,
}
