from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

_ROWS, _SIDE, _LENGTH = 2, 64, 7


def random_inputs(old: Any, input_shape: tuple | None, seed: int) -> dict:
    """Inputs to compare models on, which are the same for a seed.

    Pictures are pixels of 0 … 255, tokens are those that the model embeds, with padding
    (0) behind those of the second row, a mask (a bool input, or one with "mask" in its
    name) is 1 where there is no padding, and other numbers are normally distributed.

    Args:
        old: a functional `tf_keras.Model`.
        input_shape: tuple of int, without the batch, for shapes that are not known.
        seed: int.

    Returns:
        A dict of arrays, by the id of the input.
    """
    draw = np.random.default_rng(seed)
    size = _vocabulary_size(old)
    return {
        id(tensor): _drawn(draw, tensor, input_shape, size)
        for tensor in tf.nest.flatten(old.inputs)
    }


def _drawn(draw, tensor, input_shape, size):
    batch, *known = tensor.shape
    shape = input_shape or [
        (_SIDE if len(known) == 3 else _LENGTH) if length is None else length
        for length in known
    ]
    shape = (batch or _ROWS, *shape)
    name = tensor._keras_history.layer.name.lower()
    dtype = tf.as_dtype(tensor.dtype)
    present = np.ones(shape, bool)
    if len(shape) > 1:
        present[1:, (shape[1] + 1) // 2 :] = False
    if dtype.is_bool or "mask" in name:
        return present.astype(dtype.as_numpy_dtype)
    if not dtype.is_floating or _is_embedded(tensor):
        values = draw.integers(1, max(size, 2), shape) * present
    elif len(shape) == 4:
        values = draw.uniform(0, 255, shape)
    else:
        values = draw.normal(size=shape)
    return values.astype(dtype.as_numpy_dtype)


def _is_embedded(tensor) -> bool:
    """Whether what is given as float, the default of Keras 2, is the id of a token."""
    layers = tensor._keras_history.layer._outbound_nodes
    return any(type(node.layer).__name__ == "Embedding" for node in layers)


def _vocabulary_size(model) -> int:
    """Of the smallest embedding, or 2 where there is none."""
    sizes = [
        layer.input_dim
        for layer in model._flatten_layers()
        if type(layer).__name__ == "Embedding"
    ]
    return min(sizes, default=2)
