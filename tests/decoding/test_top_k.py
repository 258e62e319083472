import numpy as np
import pytest
import tensorflow as tf

from mmkeras.decoding.top_k import CHUNK, SHORT, top_k


# A row of whole chunks, one with a remainder, and one that is searched at once.
@pytest.mark.parametrize("length", [4 * SHORT, 4 * SHORT + 5, SHORT])
@pytest.mark.parametrize("distinct", [10, 10**6])
@pytest.mark.parametrize("compiled", [False, True])
def test_it_finds_what_a_stable_sort_finds(length, distinct, compiled):
    # With ten distinct values all but the order of equal ones is settled at once.
    values = np.random.default_rng(0).integers(0, distinct, [6, length])
    values = values.astype("float32")
    found, places = tf.function(top_k, jit_compile=compiled)(tf.constant(values), 8)
    order = np.argsort(-values, axis=1, kind="stable")[:, :8]
    np.testing.assert_array_equal(places, order)
    np.testing.assert_array_equal(found, np.take_along_axis(values, order, axis=1))


def test_the_best_may_all_lie_in_one_chunk_or_be_the_last():
    values = np.zeros([2, 4 * SHORT + 1], "float32")
    values[0, 3 * CHUNK + 2 : 3 * CHUNK + 6] = [1, 4, 3, 2]
    values[1, -1] = 1
    _, places = top_k(tf.constant(values), 4)
    assert places.numpy().tolist() == [
        [3 * CHUNK + 3, 3 * CHUNK + 4, 3 * CHUNK + 5, 3 * CHUNK + 2],
        [4 * SHORT, 0, 1, 2],
    ]


def test_rows_of_minus_infinity_name_real_places():
    values = np.full([1, 4 * SHORT + 1], -np.inf, "float32")
    _, places = top_k(tf.constant(values), 3)
    assert places.numpy().tolist() == [[0, 1, 2]]
