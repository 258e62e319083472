"""Every class registered with Keras is tested in this folder."""

import importlib
import pkgutil

import keras
import keras_hub
import numpy as np

import mmkeras.keras2
import mmkeras.layers
import mmkeras.models
from mmkeras.layers import fusion
from tests.conformance.test_layers import LAYERS
from tests.conformance.test_tasks import TASKS

# It has no weights to train; tests/keras2/test_load_tf_keras.py saves, loads and
# executes models with it.
WITHOUT_A_ROW = {"TensorOperation"}


def registered(room, base):
    """The names of the classes of a package that are registered with Keras."""
    for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
        importlib.import_module(module.name)
    found = keras.saving.get_custom_objects().values()
    return {
        one.__name__
        for one in found
        if isinstance(one, type)
        and issubclass(one, base)
        and one.__module__.startswith(f"{room.__name__}.")
    }


def inside(layer):
    return {type(part).__name__ for part in layer._flatten_layers()}


def test_every_layer_has_a_row():
    tested = set()
    for make, _ in LAYERS.values():
        tested.add(type(make()).__name__)
    # Blocks are tested by name, their inner layers as parts of them.
    tokens = [np.zeros((2, 3, 8), "float32")] * 2
    for name in fusion.names():
        block = fusion.get(name, dim=8)
        block(tokens)
        tested |= inside(block)
    known = registered(mmkeras.layers, keras.layers.Layer)
    known |= registered(mmkeras.keras2, keras.layers.Layer)
    assert "TextDecoder" in known and "GatedFusion" in known
    assert known - tested == WITHOUT_A_ROW


def test_every_task_has_a_row(dataset):
    known = registered(mmkeras.models, keras_hub.models.Task)
    tested = {type(case.make(dataset)).__name__ for case in TASKS.values()}
    assert known == tested
