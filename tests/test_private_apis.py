"""One test for each private API of other packages that mmkeras relies on.

A failure means that an upgrade changed it; the message names what uses it.
"""

import inspect

import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf


def require_arguments(function, arguments: list[str], user: str) -> None:
    found = list(inspect.signature(function).parameters)
    assert found == arguments, (
        f"{user} relies on {function.__qualname__}({', '.join(arguments)}), which now "
        f"has the arguments {found}."
    )


def require_attribute(owner, name: str, user: str) -> None:
    assert hasattr(owner, name), f"{user} relies on {owner!r}.{name}, which is gone."


@pytest.fixture
def dense():
    layer = keras.layers.Dense(3)
    layer.build((None, 2))
    return layer


def test_load_json_of_keras_hub():
    from keras_hub.src.utils.preset_utils import load_json

    user = "mmkeras/models/task_preprocessor.py (presets by KerasHub's handles)"
    require_arguments(load_json, ["preset", "config_file"], user)


def test_symbolic_build_of_trainers():
    user = "mmkeras/models/task.py (replicas with different numbers of rows)"
    require_arguments(
        keras.Model._maybe_symbolic_build, ["self", "iterator", "data_batch"], user
    )
    require_attribute(keras.Sequential(), "_distribute_strategy", user)


def test_flatten_layers(dense):
    user = "mmkeras/models/lora.py and mmkeras/export/in_float32.py"
    model = keras.Sequential([keras.Input((2,)), keras.Sequential([dense])])
    require_attribute(model, "_flatten_layers", user)
    assert dense in list(model._flatten_layers()), (
        f"{user} rely on `Model._flatten_layers` for the layers of nested models too."
    )
    assert list(dense._flatten_layers(include_self=True)) == [dense], (
        f"{user} rely on `_flatten_layers(include_self=True)`."
    )


def test_kernel_beneath_an_adapter(dense):
    user = "mmkeras/models/lora.py (merging and fingerprints)"
    before = np.asarray(dense.kernel)
    dense.enable_lora(1)
    dense.lora_kernel_b.assign(np.ones((1, 3), "float32"))
    require_attribute(dense, "_kernel", user)
    np.testing.assert_array_equal(
        before,
        np.asarray(dense._kernel),
        err_msg=f"{user} relies on `Dense._kernel` without the adapter.",
    )
    assert np.abs(np.asarray(dense.kernel) - before).max() > 0, (
        f"{user} relies on `Dense.kernel` with the adapter."
    )


def test_mark_of_errors_without_call_info():
    user = "mmkeras/preprocessing/require.py (messages without whole images)"

    class Fails(keras.layers.Layer):
        def call(self, x):
            error = tf.errors.InvalidArgumentError(None, None, "short")
            error._keras_call_info_injected = True
            raise error

    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        Fails()(np.ones((1, 2)))
    assert "Arguments received" not in str(raised.value), (
        f"{user} relies on `_keras_call_info_injected`."
    )


def test_hooks_of_optimizers():
    user = "mmkeras/optimizers/conv_muon.py"
    muon = keras.optimizers.Muon
    require_arguments(muon._should_use_adamw, ["self", "variable"], user)
    require_arguments(muon._clip_gradients, ["self", "grads"], user)
    require_arguments(muon._apply_weight_decay, ["self", "variables"], user)
    require_arguments(muon._use_weight_decay, ["self", "variable"], user)
    require_arguments(muon._get_variable_index, ["self", "variable"], user)
    require_arguments(
        muon._distributed_tf_update_step,
        ["self", "distribution", "grads_and_vars", "learning_rate"],
        user,
    )
    require_arguments(muon.zeropower_via_newtonschulz5, ["self", "x", "steps"], user)


def test_attributes_of_optimizers(dense):
    user = "mmkeras/optimizers (schedules and groups of variables)"
    schedule = keras.optimizers.schedules.CosineDecay(1.0, 10)
    muon = keras.optimizers.Muon(schedule)
    muon.build([dense.kernel, dense.bias])
    assert muon._learning_rate is schedule, f"{user} rely on `_learning_rate`."
    assert muon._trainable_variables == [dense.kernel, dense.bias], (
        f"{user} rely on `_trainable_variables`."
    )
    # `None` marks the variables that are not updated by AdamW.
    assert muon.adam_velocities[0] is None and muon.adam_velocities[1] is not None, (
        f"{user} rely on `adam_velocities`."
    )


def test_tokenizers_of_keras_hub():
    user = "mmkeras/preprocessing/text (tokenizers)"
    tokenizer = keras_hub.tokenizers.WordPieceTokenizer(["[UNK]", "a"])
    for name in ("_add_special_token", "_check_vocabulary", "_fast_word_piece"):
        require_attribute(tokenizer, name, user)


def test_safe_mode_of_tf_keras():
    from tf_keras.src.saving import serialization_lib

    user = "mmkeras/keras2/read_keras2.py (models of strangers run no code)"
    with serialization_lib.SafeModeScope(True):
        assert serialization_lib.in_safe_mode() is True, f"{user}: `SafeModeScope`."


def test_graphs_of_keras_2_models():
    import tf_keras

    user = "mmkeras/keras2 (walking the graph of a functional model)"
    inputs = tf_keras.Input((2,))
    outputs = tf_keras.layers.Dense(3)(inputs)
    model = tf_keras.Model(inputs, outputs)
    assert type(model.layers[-1]).__module__.startswith("tf_keras.src.layers"), user
    for name in (
        "_is_graph_network",
        "_nodes_by_depth",
        "_nested_inputs",
        "_nested_outputs",
        "_flatten_layers",
    ):
        require_attribute(model, name, user)
    require_attribute(outputs, "_keras_history", user)
    layer, node, tensor = outputs._keras_history
    assert (layer, node, tensor) == (model.layers[-1], 0, 0), user
    for name in ("_inbound_nodes", "_outbound_nodes"):
        require_attribute(layer, name, user)
    # Depth 0 are the nodes of the outputs.
    assert model._nodes_by_depth[0] == [layer._inbound_nodes[0]], user
