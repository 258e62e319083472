from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from mmkeras.keras2.rebuild_model import (
    RebuiltModel,
    replace_tensors,
    unwrap,
)


def compare_models(
    rebuilt: RebuiltModel, values: dict[int, np.ndarray], tolerance: float
) -> None:
    """Checks that a model that was rebuilt computes what the old one does.

    Args:
        rebuilt: a `RebuiltModel`.
        values: dict of arrays, by the id of the input of the old model.
        tolerance: float, how much an output may differ, as a share of the largest
            absolute value that the old model gives in it.

    Raises:
        ValueError: if an output differs by more; it names the first layer that does.
    """
    inputs = replace_tensors(unwrap(rebuilt.old._nested_inputs), values)
    old = tf.nest.flatten(rebuilt.old(inputs, training=False))
    new = keras.tree.flatten(rebuilt.new(inputs, training=False))
    differences = [difference(a, b) for a, b in zip(old, new, strict=True)]
    if max(differences) <= tolerance:
        return
    where = first_difference(rebuilt, values, tolerance)
    raise ValueError(
        f"The model {rebuilt.old.name!r}, rebuilt in Keras 3, gives something else "
        f"than in Keras 2: it differs by {max(differences):.3g} of the largest value, "
        f"where {tolerance:g} is tolerated. {where} Give a layer of Keras 3 for it "
        "(`replacements=`), or a larger `tolerance` if that is the rounding of "
        "half precision."
    )


def difference(old, new) -> float:
    """The largest difference as a share of the largest absolute value of `old`."""
    old, new = (np.asarray(tf.cast(value, "float64")) for value in (old, new))
    if old.shape != new.shape or not np.isfinite(old).all():
        return float("inf")
    largest = np.max(np.abs(old), initial=0.0)
    apart = np.max(np.abs(old - new), initial=0.0)
    if np.isnan(apart):
        return float("inf")
    if apart == 0:
        return 0.0
    return float(apart / largest) if largest else float("inf")


def first_difference(
    rebuilt: RebuiltModel, values: dict[int, np.ndarray], tolerance: float
) -> str:
    """Names the first layer that differs, inside of a model within if it is there."""
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
        apart = max(difference(known[id(t)], given[id(t)]) for t in step.old_tensors)
        if apart > tolerance:
            return _named(rebuilt, step, known, tolerance, apart)
    return "No single layer differs."


def _named(rebuilt, step, known, tolerance, apart):
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
        return f"The layer {old.name!r} gives what is not finite in Keras 2 itself."
    return (
        f"The first layer that differs is {old.name!r} ({type(old).__name__}), by "
        f"{apart:.3g}."
    )
