import numpy as np
import pytest

from mmkeras.layers import WordAttentionBias
from mmkeras.layers.word_attention_bias import word_context, word_context_of_texts


def test_bias_without_a_grid_by_hand():
    # Initially, head 0 adds the similarity itself, head 1 nothing.
    similarity = np.array([[[[1.0, -2.0, 3.0]]]], "float32")
    bias = np.asarray(WordAttentionBias(2)(similarity))
    np.testing.assert_array_equal(bias[0], [[[1, -2, 3]], [[0, 0, 0]]])
    other = np.asarray(WordAttentionBias(2, first_head=1)(similarity))
    np.testing.assert_array_equal(other[0], [[[0, 0, 0]], [[1, -2, 3]]])


def test_directions_by_hand():
    # In a grid of one row and three columns, head 1 prefers what is to the right of
    # the word's location, which is certainly the middle: by the ramp 3·(-1/3, 0, 1/3).
    # Head 0 prefers the left, and adds the similarity.
    certain = np.array([[[[0.0, 50.0, 0.0]]]], "float32")
    bias = np.asarray(WordAttentionBias(2, grid=(1, 3))(certain))
    np.testing.assert_allclose(bias[0, 1], [[-1, 0, 1]], atol=1e-6)
    np.testing.assert_allclose(bias[0, 0], [[1, 50, -1]], atol=1e-6)


def test_wrong_grid():
    with pytest.raises(ValueError, match="1 × 3 = 3 positions"):
        WordAttentionBias(2, grid=(1, 3))(np.zeros((1, 1, 2, 4), "float32"))


def test_context_by_hand():
    # One head that attends evenly: the context of the second of two words is the mean
    # of both similarities, (1, 3) and (5, -1): (3, 1).
    attention = np.array([[[[1.0, 0.0], [0.5, 0.5]]]] * 2, "float32")
    words = np.array([[[1.0, 3.0], [5.0, -1.0], [2.0, 0.0], [0.0, 4.0]]], "float32")
    context = word_context(attention[:1], words[:, :2])
    np.testing.assert_allclose(context, [[[[1, 3], [3, 1]]]])
    # The same for two texts, one after the other.
    context = word_context_of_texts(attention, words)
    np.testing.assert_allclose(context, [[[[1, 3], [3, 1], [2, 0], [1, 2]]]])
