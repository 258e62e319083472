import numpy as np

from mmkeras.layers import AttentionBlock

RNG = np.random.default_rng(0)


def test_masked_keys_are_as_if_they_were_not_there():
    block = AttentionBlock(2, 8, cross_attention=True)
    x, memory = RNG.normal(size=(2, 5, 4)), RNG.normal(size=(2, 3, 4))
    key_mask = np.array([[True] * 3 + [False] * 2] * 2)
    memory_mask = np.array([[True, True, False]] * 2)
    masked = block(x, memory, key_mask=key_mask, memory_mask=memory_mask)
    short = block(x[:, :3], memory[:, :2])
    np.testing.assert_allclose(masked[:, :3], short, atol=1e-6)


def test_a_row_without_keys_reads_nothing():
    block = AttentionBlock(2, 8, cross_attention=True)
    x, memory = RNG.normal(size=(1, 5, 4)), RNG.normal(size=(1, 3, 4))
    nothing = np.zeros((1, 3), bool)
    output, attention = block(x, memory, memory_mask=nothing, return_attention=True)
    other = block(x, memory + 5, memory_mask=nothing)
    np.testing.assert_array_equal(output, other)
    assert not np.any(attention)


def test_self_attention_is_returned_where_there_is_no_other():
    block = AttentionBlock(2, 8)
    x = RNG.normal(size=(1, 3, 4))
    mask = np.array([[True, False, True]])
    _, attention = block(x, key_mask=mask, return_attention=True)
    assert attention.shape == (1, 2, 3, 3)
    assert not np.any(attention[..., 1])
    np.testing.assert_allclose(np.sum(attention, axis=-1), 1, atol=1e-6)


def test_a_causal_row_without_keys_does_not_read_what_follows():
    block = AttentionBlock(2, 8, causal=True)
    x = RNG.normal(size=(1, 3, 4))
    mask = np.array([[False, False, True]])
    _, attention = block(x, key_mask=mask, return_attention=True)
    expected = [[0, 0, 0], [0, 0, 0], [0, 0, 1]]
    np.testing.assert_allclose(attention, [[expected] * 2], atol=1e-6)
