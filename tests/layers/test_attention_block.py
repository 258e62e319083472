import math

import keras
import numpy as np
import pytest

from mmkeras.layers import AttentionBlock
from mmkeras.layers.aligned_glorot_uniform import AlignedGlorotUniform

RNG = np.random.default_rng(0)
ERF_1 = 0.5 * (1 + math.erf(1 / math.sqrt(2)))


def test_masked_keys_have_no_influence():
    block = AttentionBlock(2, 8, cross_attention=True)
    x, memory = RNG.normal(size=(2, 5, 4)), RNG.normal(size=(2, 3, 4))
    key_mask = np.array([[True] * 3 + [False] * 2] * 2)
    memory_mask = np.array([[True, True, False]] * 2)
    masked = block(x, memory, key_mask=key_mask, memory_mask=memory_mask)
    short = block(x[:, :3], memory[:, :2])
    np.testing.assert_allclose(masked[:, :3], short, atol=1e-6)


def test_a_row_without_valid_keys_attends_to_nothing():
    block = AttentionBlock(2, 8, cross_attention=True)
    x, memory = RNG.normal(size=(1, 5, 4)), RNG.normal(size=(1, 3, 4))
    nothing = np.zeros((1, 3), bool)
    output, attention = block(x, memory, memory_mask=nothing, return_attention=True)
    other = block(x, memory + 5, memory_mask=nothing)
    np.testing.assert_array_equal(output, other)
    assert not np.any(attention)


def test_self_attention_is_returned_without_cross_attention():
    block = AttentionBlock(2, 8)
    x = RNG.normal(size=(1, 3, 4))
    mask = np.array([[True, False, True]])
    _, attention = block(x, key_mask=mask, return_attention=True)
    assert attention.shape == (1, 2, 3, 3)
    assert not np.any(attention[..., 1])
    np.testing.assert_allclose(np.sum(attention, axis=-1), 1, atol=1e-6)


def test_a_causal_row_without_valid_keys_does_not_attend_to_later_ones():
    block = AttentionBlock(2, 8, causal=True)
    x = RNG.normal(size=(1, 3, 4))
    mask = np.array([[False, False, True]])
    _, attention = block(x, key_mask=mask, return_attention=True)
    expected = [[0, 0, 0], [0, 0, 0], [0, 0, 1]]
    np.testing.assert_allclose(attention, [[expected] * 2], atol=1e-6)


def identity(block, feed_bias=0.0):
    """Values are as they are, queries and keys 0; the feed-forward network too."""
    zeros, eye = np.zeros((2, 4)), np.eye(2)
    block.self_qkv.kernel.assign(np.concatenate([zeros, eye], axis=1))
    for dense in (block.self_output, block.feed_in, block.feed_out):
        dense.kernel.assign(eye)
    if block.use_bias:
        block.feed_out.bias.assign([feed_bias] * 2)


# x = (3, 1), a single position, so that self-attention returns its value.
@pytest.mark.parametrize(
    ("norm", "expected"),
    [
        # LN(3, 1) = (1, -1); 3 + 1 and 1 - 1: (4, 0). LN (1, -1), of which the network
        # makes relu (1, 0) + 5: (4 + 6, 0 + 5).
        ("pre", [10, 5]),
        # (3, 1) + (3, 1) = (6, 2), LN (1, -1); + relu (1, 0) + 5 = (7, 4), LN (1, -1).
        ("post", [1, -1]),
    ],
)
def test_norms_by_hand(norm, expected):
    block = AttentionBlock(1, 2, norm=norm, activation="relu")
    block.build((None, 1, 2))
    identity(block, feed_bias=5.0)
    np.testing.assert_allclose(block(np.array([[[3.0, 1.0]]])), [[expected]], atol=1e-4)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        # Of (1, -1), the layer normalization of (4, 0).
        ("gelu", [4 + ERF_1, -(1 - ERF_1)]),
        # (1 + tanh(sqrt(2 / pi) 1.044715)) / 2 = 0.841192
        ("gelu_tanh", [4.841192, -0.158808]),
        # 1 / (1 + exp(-1.702)) = 0.845796
        ("quick_gelu", [4.845796, -0.154204]),
        ("relu", [5, 0]),
    ],
)
def test_activations_by_hand(activation, expected):
    block = AttentionBlock(1, 2, activation=activation)
    block.build((None, 1, 2))
    identity(block)
    np.testing.assert_allclose(block(np.array([[[3.0, 1.0]]])), [[expected]], atol=1e-4)


def test_without_biases():
    # d = 4, m = 8: 3 d² + d² + 2 d m + 2 normalizations of 2 d, and biases of
    # 3 d + d + m + d.
    with_biases, without = (AttentionBlock(2, 8, use_bias=b) for b in (True, False))
    for block in (with_biases, without):
        block.build((None, 3, 4))
    assert without.count_params() == 64 + 64 + 16
    assert with_biases.count_params() == 64 + 64 + 16 + 28


@pytest.mark.parametrize("cross_attention", [True, False])
@pytest.mark.parametrize("norm", ["pre", "post"])
def test_steps_equal_the_whole_sequence(norm, cross_attention):
    keras.utils.set_random_seed(0)
    block = AttentionBlock(
        2, 8, causal=True, cross_attention=cross_attention, norm=norm, use_bias=False
    )
    x, memory = RNG.normal(size=(3, 5, 4)), RNG.normal(size=(3, 7, 6))
    memory = memory if cross_attention else None
    whole = np.asarray(block(x, memory))
    cache, fixed = block.empty_cache(3, 5), None
    if cross_attention:
        fixed = block.project_memory(memory)
        assert fixed["key"].shape == (3, 2, 2, 7)
        assert fixed["value"].shape == (3, 2, 7, 2)
    for position in range(5):
        lineage = np.reshape(np.arange(5) <= position, (1, 1, 5))
        one = x[:, position : position + 1].astype("float32")
        output, cache = block.step(one, position, cache, lineage, fixed)
        np.testing.assert_allclose(output[:, 0], whole[:, position], atol=1e-5)


def test_the_memory_may_have_another_dimension():
    block = AttentionBlock(2, 8, cross_attention=True)
    block(np.zeros((1, 3, 4)), np.zeros((1, 5, 6)))
    assert block.cross_key_value.kernel.shape == (6, 8)


def test_queries_and_keys_of_the_memory_are_initially_aligned():
    block = AttentionBlock(2, 4, cross_attention=True)
    block.build((None, None, 4))
    query, both = (x.kernel.numpy() for x in (block.cross_query, block.cross_key_value))
    np.testing.assert_array_equal(query, both[:, :4])
    assert not np.allclose(query, both[:, 4:])
    # Another block has other values, the same seed the same.
    other = AttentionBlock(2, 4, cross_attention=True)
    other.build((None, None, 4))
    assert not np.allclose(query, other.cross_query.kernel)
    values = AlignedGlorotUniform(7)((4, 8))
    np.testing.assert_array_equal(AlignedGlorotUniform(7)((4, 8)), values)
    again = AlignedGlorotUniform.from_config(AlignedGlorotUniform(7).get_config())
    np.testing.assert_array_equal(again((4, 8)), values)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"norm": "both"}, "`norm` must be 'pre' or 'post'. Received: norm='both'"),
        ({"activation": "tanh"}, "`activation` must be 'gelu', .* or 'relu'"),
        ({"word_attention": True}, "`cross_attention=True`"),
        ({"num_heads": 0}, "`num_heads` must be an integer of at least 1"),
    ],
)
def test_wrong_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        AttentionBlock(**{"num_heads": 2, "intermediate_dim": 8, **kwargs})


def test_wrong_number_of_heads():
    with pytest.raises(ValueError, match="`num_heads` must divide"):
        AttentionBlock(3, 32)(np.zeros((1, 2, 16), "float32"))


def test_missing_inputs():
    x, memory = np.zeros((1, 2, 16), "float32"), np.zeros((1, 3, 16), "float32")
    with pytest.raises(ValueError, match="needs `memory`"):
        AttentionBlock(2, 32, cross_attention=True)(x)
    block = AttentionBlock(2, 32, cross_attention=True, word_attention=True)
    with pytest.raises(ValueError, match="needs `similarity`"):
        block(x, memory=memory)
    block.build((1, 2, 16), (1, 3, 16), (1, 2, 3))
    with pytest.raises(ValueError, match="needs `similarity`"):
        block(x, memory=memory)


@pytest.mark.parametrize("kwargs", [{}, {"causal": True, "grid": (2, 3)}])
def test_only_causal_sequences_have_steps(kwargs):
    block = AttentionBlock(2, 8, **kwargs)
    block.build((None, 6, 4))
    with pytest.raises(ValueError, match="`causal=True` and `grid=None`"):
        block.empty_cache(1, 6)
