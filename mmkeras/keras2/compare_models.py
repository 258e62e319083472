from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mmkeras.keras2.rebuild_model import RebuiltModel, replace_tensors, unwrap

_ROWS, _SIDE, _LENGTH = 2, 64, 7


def compare_models(
    rebuilt: RebuiltModel,
    input_shape: tuple[int, ...] | None,
    tolerance: float,
    seed: int,
) -> None:
    """Checks that a rebuilt model computes the same outputs as the original.

    Args:
        rebuilt: a `RebuiltModel`.
        input_shape: tuple of int, without the batch, for inputs of unknown shape.
        tolerance: float, maximum difference of an output, relative to its largest
            absolute value.
        seed: int, seed of the random inputs.

    Raises:
        ValueError: if an output differs by more; the message names the first layer that
            differs.
    """
    values = random_inputs(rebuilt.old, input_shape, seed)
    inputs = replace_tensors(unwrap(rebuilt.old._nested_inputs), values)
    old = tf.nest.flatten(rebuilt.old(inputs, training=False))
    new = keras.tree.flatten(rebuilt.new(inputs, training=False))
    differences = [difference(a, b) for a, b in zip(old, new, strict=True)]
    if max(differences) <= tolerance:
        return
    where = first_difference(rebuilt, values, tolerance)
    raise ValueError(
        f"The outputs of {rebuilt.old.name!r} differ between Keras 2 and Keras 3 by "
        f"{max(differences):.3g} of the largest value, more than the tolerance of "
        f"{tolerance:g}. {where} Pass an equivalent Keras 3 layer (`replacements=`), "
        "or a larger `tolerance` if the difference is rounding in half precision."
    )


def difference(old: Any, new: Any) -> float:
    """The largest difference, relative to the largest absolute value of `old`."""
    old, new = (np.asarray(tf.cast(value, "float64")) for value in (old, new))
    if old.shape != new.shape or not np.isfinite(old).all():
        return float("inf")
    largest = np.max(np.abs(old), initial=0.0)
    gap = np.max(np.abs(old - new), initial=0.0)
    if np.isnan(gap):
        return float("inf")
    if gap == 0:
        return 0.0
    return float(gap / largest) if largest else float("inf")


def first_difference(
    rebuilt: RebuiltModel, values: dict[int, np.ndarray], tolerance: float
) -> str:
    """Names the first layer that differs, if need be within a nested model."""
    import tf_keras

    before = [tensor for step in rebuilt.steps for tensor in step.old_tensors]
    after = [tensor for step in rebuilt.steps for tensor in step.new_tensors]
    inputs = [values[id(tensor)] for tensor in tf.nest.flatten(rebuilt.old.inputs)]
    old = tf_keras.Model(tf.nest.flatten(rebuilt.old.inputs), before)
    new = keras.Model(keras.tree.flatten(rebuilt.new.inputs), after)
    old = tf.nest.flatten(old(inputs, training=False))
    new = keras.tree.flatten(new(inputs, training=False))
    known = {**values, **dict(zip(map(id, before), old, strict=True))}
    given = dict(zip(map(id, before), new, strict=True))
    for step in rebuilt.steps:
        gap = max(difference(known[id(t)], given[id(t)]) for t in step.old_tensors)
        if gap > tolerance:
            return _described(rebuilt, step, known, tolerance, gap)
    return "No single layer differs."


def _described(rebuilt, step, known, tolerance, gap):
    old = step.old_layer
    inner = rebuilt.inner.get(old.name)
    if inner is not None:
        passed = tf.nest.flatten(replace_tensors(step.arguments[0], known))
        tensors = tf.nest.flatten(inner.old.inputs)
        if len(passed) == len(tensors):
            ids = map(id, tensors)
            values = dict(zip(ids, passed, strict=True))
            return first_difference(inner, values, tolerance)
    if not all(np.isfinite(known[id(tensor)]).all() for tensor in step.old_tensors):
        return f"The output of the layer {old.name!r} is not finite in Keras 2 itself."
    return (
        f"The first layer that differs is {old.name!r} ({type(old).__name__}), by "
        f"{gap:.3g}."
    )


def random_inputs(
    old: Any, input_shape: tuple[int, ...] | None, seed: int
) -> dict[int, np.ndarray]:
    """Random inputs to compare models on, determined by the seed.

    Images are pixels of 0 … 255, token ids are within the vocabulary, followed by
    padding (0) in the second row, masks (bool inputs, or inputs with "mask" in their
    name) are 1 where there is no padding, and other inputs are normally distributed.

    Args:
        old: a functional `tf_keras.Model`.
        input_shape: tuple of int, without the batch, for inputs of unknown shape.
        seed: int.

    Returns:
        dict from the id of each input tensor to its array.
    """
    rng = np.random.default_rng(seed)
    size = _vocabulary_size(old)
    return {
        id(tensor): _drawn(rng, tensor, input_shape, size)
        for tensor in tf.nest.flatten(old.inputs)
    }


def _drawn(rng, tensor, input_shape, size):
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
        values = rng.integers(1, max(size, 2), shape) * present
    elif len(shape) == 4:
        values = rng.uniform(0, 255, shape)
    else:
        values = rng.normal(size=shape)
    return values.astype(dtype.as_numpy_dtype)


def _is_embedded(tensor) -> bool:
    """Whether an input holds token ids, even if it is float, Keras 2's default."""
    layers = tensor._keras_history.layer._outbound_nodes
    return any(type(node.layer).__name__ == "Embedding" for node in layers)


def _vocabulary_size(model) -> int:
    """The vocabulary size of the smallest embedding, or 2 without an embedding."""
    sizes = [
        layer.input_dim
        for layer in model._flatten_layers()
        if type(layer).__name__ == "Embedding"
    ]
    return min(sizes, default=2)
