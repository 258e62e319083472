"""Every class registered with Keras is tested in this folder."""

import importlib
import pathlib

import keras
import numpy as np
import pytest

import mmkeras
from mmkeras.layers import fusion
from tests.conformance.test_configs import CONFIGURED
from tests.conformance.test_layers import LAYERS
from tests.conformance.test_tasks import SPECS

# Classes tested elsewhere.
WITHOUT_A_ROW = {
    # It has no weights to train; tests/keras2/test_load_tf_keras.py saves, loads and
    # executes models with it.
    "TensorOperation",
    # A part of LayerwiseOptimizer, whose tests restore it.
    "_ScaledSchedule",
}


@pytest.fixture(scope="module")
def registered() -> set[str]:
    """The names of all classes of mmkeras that Keras can load."""
    root = pathlib.Path(mmkeras.__file__).parent
    for path in root.rglob("*.py"):
        if "@keras.saving.register_keras_serializable" in path.read_text("utf-8"):
            parts = path.relative_to(root.parent).with_suffix("").parts
            importlib.import_module(".".join(parts))
    found = keras.saving.get_custom_objects().values()
    return {
        one.__name__
        for one in found
        if isinstance(one, type) and one.__module__.startswith("mmkeras.")
    }


def layers_with_a_row() -> set[str]:
    tested = {type(make()).__name__ for make, _ in LAYERS.values()}
    # Blocks are tested by name, their inner layers as parts of them.
    tokens = [np.zeros((2, 3, 8), "float32")] * 2
    for name in fusion.names():
        block = fusion.get(name, dim=8)
        block(tokens)
        tested |= {type(part).__name__ for part in block._flatten_layers()}
    return tested


def test_every_class_has_a_row(registered):
    tasks = [spec.load_task() for spec in SPECS.values()]
    parts = [(task, task.backbone_cls, task.preprocessor_cls) for task in tasks]
    tested = {cls.__name__ for classes in parts for cls in classes}
    tested |= {type(make()).__name__ for make in CONFIGURED.values()}
    tested |= layers_with_a_row()
    assert {"TextDecoder", "GatedFusion", "ImageCaptioner", "ConvMuon"} <= registered
    assert registered - tested == WITHOUT_A_ROW
