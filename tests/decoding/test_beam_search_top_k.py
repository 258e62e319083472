import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from mmkeras.decoding.beam_search import CHUNK, SHORT, top_k

LONG = 4 * SHORT


# Vocabularies of complete chunks, with a remainder, and searched in one stage.
@pytest.mark.parametrize("tokens", [LONG, LONG + 5, SHORT])
@pytest.mark.parametrize("distinct", [10, 10**6])
@pytest.mark.parametrize("compiled", [False, True])
def test_top_k_equals_a_stable_sort(tokens, distinct, compiled):
    # With ten distinct values nearly everything depends on the order of equal ones.
    values = np.random.default_rng(0).integers(0, distinct, [6, 3, tokens])
    values = values.astype("float32")
    found, places = tf.function(top_k, jit_compile=compiled)(tf.constant(values), 8)
    flat = values.reshape(6, -1)
    order = np.argsort(-flat, axis=1, kind="stable")[:, :8]
    np.testing.assert_array_equal(places, order)
    np.testing.assert_array_equal(found, np.take_along_axis(flat, order, axis=1))


def test_top_k_in_one_chunk_or_the_last():
    values = np.zeros([2, 2, LONG + 1], "float32")
    start = 3 * CHUNK + 2
    values[0, 1, start : start + 4] = [1, 4, 3, 2]
    values[1, 1, -1] = 1
    _, places = top_k(tf.constant(values), 4)
    start += LONG + 1
    assert places.numpy().tolist() == [
        [start + 1, start + 2, start + 3, start],
        [2 * LONG + 1, 0, 1, 2],
    ]


def test_minus_infinity():
    values = np.full([1, 2, LONG + 1], -np.inf, "float32")
    values[0, 0, -1] = 0
    _, places = top_k(tf.constant(values), 3)
    assert places.numpy().tolist() == [[LONG, 0, 1]]


def test_top_k_converts_to_litert():
    spec = tf.TensorSpec([1, 3, LONG + 5], tf.float32)
    graph = tf.function(lambda values: top_k(values, 6)[1], input_signature=[spec])
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [graph.get_concrete_function()]
    )
    interpreter = Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    values = np.random.default_rng(0).normal(size=(1, 3, LONG + 5)).astype("float32")
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_array_equal(found, np.argsort(-values.reshape(1, -1))[:, :6])
