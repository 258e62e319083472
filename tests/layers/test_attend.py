import warnings

import numpy as np
import tensorflow as tf

from mmkeras.layers.attend import attend
from mmkeras.layers.masked_softmax import masked_softmax


def test_attention_by_hand():
    # One head of one dimension: scores are 1·0 and 1·ln 3, so the weights are
    # 1/4 and 3/4, and the mix of 0 and 4 is 3.
    one = np.ones((1, 1, 1, 1), "float32")
    key = np.array([[[[0.0, np.log(3)]]]], "float32")
    value = np.array([[[[0.0], [4.0]]]], "float32")
    mixed, weights = attend(one, key, value)
    np.testing.assert_allclose(np.ravel(weights), [0.25, 0.75], atol=1e-6)
    np.testing.assert_allclose(np.ravel(mixed), [3.0], atol=1e-5)
    mixed, _ = attend(one, key, value, mask=np.array([True, False]))
    np.testing.assert_allclose(np.ravel(mixed), [0.0], atol=1e-6)
    _, weights = attend(one, key, value, bias=lambda scores: scores * 2)
    # exp(2 ln 3) = 9
    np.testing.assert_allclose(np.ravel(weights), [0.1, 0.9], atol=1e-6)


def test_scores_are_scaled_by_the_dimension_of_a_head():
    # 4 · ln 3 / sqrt(4) = 2 ln 3
    query, key = np.ones((1, 1, 1, 4)), np.zeros((1, 1, 4, 2))
    key[..., 1] = np.log(3)
    _, weights = attend(query, key, np.zeros((1, 1, 2, 4)))
    np.testing.assert_allclose(np.ravel(weights), [0.1, 0.9], atol=1e-6)


def test_masked_softmax_by_hand():
    scores = np.log([[1.0, 2.0, 6.0], [1.0, 3.0, 5.0]])
    mask = np.array([[True, True, False], [False, False, False]])
    expected = [[1 / 3, 2 / 3, 0], [0, 0, 0]]
    np.testing.assert_allclose(masked_softmax(scores, mask), expected, atol=1e-6)
    expected = [[1 / 9, 2 / 9, 6 / 9], [1 / 9, 3 / 9, 5 / 9]]
    np.testing.assert_allclose(masked_softmax(scores), expected, atol=1e-6)


def test_a_single_key_has_all_the_weight_without_a_warning():
    scores = tf.Variable([[3.0], [-70.0]])
    with warnings.catch_warnings(), tf.GradientTape() as tape:
        warnings.simplefilter("error")
        weights = masked_softmax(scores)
    np.testing.assert_array_equal(weights, [[1.0], [1.0]])
    # A gradient of 0 and not `None`, of which Keras warns in training.
    np.testing.assert_array_equal(tape.gradient(weights, scores), [[0.0], [0.0]])
    np.testing.assert_array_equal(masked_softmax(scores, [[True], [False]]), [[1], [0]])
