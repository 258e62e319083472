import keras
import numpy as np
import pytest
import tensorflow as tf

from mmkeras.layers import (
    AttentionBlock,
    GridAttentionBias,
    GridPositionEmbedding,
    ImageEncoder,
    TextDecoder,
    WordAttentionBias,
    small_cnn,
)


@pytest.fixture
def decoder():
    keras.utils.set_random_seed(0)
    return TextDecoder(30, 8, 16, num_layers=2, num_heads=2, intermediate_dim=32)


def test_words_follow_those_they_look_back_at_by_hand():
    # One head that looks back evenly: the second of two words follows the mean of
    # both resemblances, (1, 3) and (5, -1): (3, 1).
    block = AttentionBlock(
        1, 4, causal=True, cross_attention=True, word_attention=True, word_context=True
    )
    block.build((None, None, 2), (None, 2, 2), (None, None, 2))
    read = np.array([[[[1.0, 0.0], [0.5, 0.5]]]] * 2, "float32")
    words = np.array([[[1.0, 3.0], [5.0, -1.0], [1.0, 3.0], [5.0, -1.0]]], "float32")
    recalled = np.asarray(block._recall(read, words))
    np.testing.assert_allclose(recalled, [[[[1, 3], [3, 1], [1, 3], [3, 1]]]])


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("word_context", [True, False])
def test_cached_steps_equal_the_whole_sequence(word_context, compiled):
    keras.utils.set_random_seed(0)
    decoder = TextDecoder(30, 8, 16, 2, 2, 32, word_context=word_context)
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 30, (3, 8)).astype("int32")
    memory = rng.normal(size=(3, 5, 16)).astype("float32")
    whole = np.asarray(decoder(ids, memory))
    cache, fixed = decoder.start(memory, compiled=compiled)
    for position in range(8):
        seen = np.reshape(np.arange(8) <= position, (1, 1, 8))
        logits, cache = decoder.step(
            ids[:, position, None], position, cache, fixed, seen
        )
        np.testing.assert_allclose(logits[:, 0], whole[:, position], atol=1e-4)


def test_copies_descend_from_one_another(decoder):
    # Two texts for each of two memories; at position 3 the first becomes a child of
    # the second, and at position 5 the other way round.
    rng = np.random.default_rng(0)
    memory = rng.normal(size=(2, 5, 16)).astype("float32")
    texts = rng.integers(0, 30, (2, 2, 6)).astype("int32")
    decoder(texts, memory)
    cache, fixed = decoder.start(memory, copies=2, max_length=6)
    assert fixed["layers"][0]["key"].shape == (2, 2, 8, 5)
    assert fixed["layers"][0]["value"].shape == (2, 2, 5, 8)
    lineage = np.zeros((2, 2, 6, 2), bool)
    written = np.zeros((2, 2, 6), "int32")
    for position in range(6):
        if position == 3:
            lineage[:, 0], written[:, 0] = lineage[:, 1], written[:, 1]
        if position == 5:
            lineage[:, 1], written[:, 1] = lineage[:, 0], written[:, 0]
        lineage[:, [0, 1], position, [0, 1]] = True
        written[:, :, position] = texts[:, :, position]
        logits, cache = decoder.step(
            texts[:, :, position], position, cache, fixed, lineage.reshape(2, 2, 12)
        )
        whole = np.asarray(decoder(written[:, :, : position + 1], memory))
        np.testing.assert_allclose(logits, whole[:, :, position], atol=1e-4)


def test_several_texts_about_a_memory_are_each_read_alone(decoder):
    rng = np.random.default_rng(0)
    memory = rng.normal(size=(2, 5, 16)).astype("float32")
    ids = rng.integers(0, 30, (2, 3, 8)).astype("int32")
    together = np.asarray(decoder(ids, memory))
    assert together.shape == (2, 3, 8, 30)
    for text in range(3):
        alone = np.asarray(decoder(ids[:, text], memory))
        np.testing.assert_allclose(together[:, text], alone, atol=1e-4)


def test_a_position_does_not_see_what_follows(decoder):
    rng = np.random.default_rng(1)
    memory = rng.normal(size=(1, 5, 16)).astype("float32")
    ids = rng.integers(0, 30, (1, 8)).astype("int32")
    changed = ids.copy()
    changed[0, 5:] = (ids[0, 5:] + 1) % 30
    before, after = (np.asarray(decoder(x, memory)) for x in (ids, changed))
    np.testing.assert_allclose(before[:, :5], after[:, :5], atol=1e-6)
    assert not np.allclose(before[:, 5:], after[:, 5:])


def test_attention_over_the_memory_sums_to_one(decoder):
    memory = np.random.default_rng(0).normal(size=(2, 5, 16)).astype("float32")
    ids = np.zeros((2, 8), "int32")
    _, attention = decoder(ids, memory, return_attention=True)
    assert attention.shape == (2, 2, 8, 5)
    np.testing.assert_allclose(np.sum(attention, axis=-1), 1, atol=1e-5)


def test_attention_by_hand():
    # One head of one dimension: scores are 1·0 and 1·ln 3, so the weights are
    # 1/4 and 3/4, and the mix of 0 and 4 is 3.
    block = AttentionBlock(1, 4)
    block.build((None, None, 1))
    one = np.ones((1, 1, 1, 1), "float32")
    key = np.array([[[[0.0, np.log(3)]]]], "float32")
    value = np.array([[[[0.0], [4.0]]]], "float32")
    mixed, weights = block.attend(one, key, value)
    np.testing.assert_allclose(np.ravel(weights), [0.25, 0.75], atol=1e-6)
    np.testing.assert_allclose(np.ravel(mixed), [3.0], atol=1e-5)
    mixed, _ = block.attend(one, key, value, mask=np.array([True, False]))
    np.testing.assert_allclose(np.ravel(mixed), [0.0], atol=1e-6)


def test_relative_positions_by_hand():
    # A grid of one row and three columns: the table has the columns -2 … 2, and
    # its two heads begin at -3·(-2/3, -1/3, 0, 1/3, 2/3) and the opposite.
    bias = GridAttentionBias(1, 3)
    found = np.asarray(bias(np.zeros((1, 2, 3, 3), "float32")))[0]
    left = [[0, -1, -2], [1, 0, -1], [2, 1, 0]]
    np.testing.assert_allclose(found, [left, np.negative(left)], atol=1e-6)
    with pytest.raises(ValueError, match="1 × 3 = 3 positions"):
        GridAttentionBias(1, 3)(np.zeros((1, 2, 4, 4), "float32"))


def test_words_look_where_they_resemble_by_hand():
    # Without a grid: head 0 begins with the resemblance itself, head 1 without it.
    resemblance = np.array([[[[1.0, -2.0, 3.0]]]], "float32")
    bias = np.asarray(WordAttentionBias(2)(resemblance))
    np.testing.assert_array_equal(bias[0], [[[1, -2, 3]], [[0, 0, 0]]])
    other = np.asarray(WordAttentionBias(2, first_head=1)(resemblance))
    np.testing.assert_array_equal(other[0], [[[0, 0, 0]], [[1, -2, 3]]])
    # In a grid of one row and three columns, head 1 prefers what is to the right of
    # where the word is seen, and the word is seen for certain in the middle: by
    # the ramp 3·(-1/3, 0, 1/3). Head 0 prefers the left, and its own resemblance.
    sure = np.array([[[[0.0, 50.0, 0.0]]]], "float32")
    bias = np.asarray(WordAttentionBias(2, grid=(1, 3))(sure))
    np.testing.assert_allclose(bias[0, 1], [[-1, 0, 1]], atol=1e-6)
    np.testing.assert_allclose(bias[0, 0], [[1, 50, -1]], atol=1e-6)
    with pytest.raises(ValueError, match="1 × 3 = 3 positions"):
        WordAttentionBias(2, grid=(1, 3))(np.zeros((1, 1, 2, 4), "float32"))


def test_queries_and_keys_of_the_memory_begin_alike():
    block = AttentionBlock(2, 4, cross_attention=True)
    block.build((None, None, 4))
    query, both = (x.kernel.numpy() for x in (block.cross_query, block.cross_key_value))
    np.testing.assert_array_equal(query, both[:, :4])
    assert not np.allclose(query, both[:, 4:])


def test_word_presence_by_hand(decoder):
    # Of two regions, the one like word 7 decides: e·e, less 4 for rarity.
    decoder(np.zeros((1, 8), "int32"), np.zeros((1, 2, 16), "float32"))
    word = np.asarray(decoder.token_embedding)[7]
    memory = np.stack([word, -word])[None]
    found = np.asarray(decoder.word_presence(memory))
    assert found.shape == (1, 30)
    assert found[0, 7] == pytest.approx(np.sum(word**2) - 4, abs=1e-5)


def test_wrong_number_of_heads():
    with pytest.raises(ValueError, match="`num_heads` must divide"):
        AttentionBlock(3, 32)(np.zeros((1, 2, 16), "float32"))


def test_word_attention_has_what_it_needs():
    with pytest.raises(ValueError, match="`cross_attention=True`"):
        AttentionBlock(2, 32, word_attention=True)
    block = AttentionBlock(2, 32, cross_attention=True, word_attention=True)
    block.build((1, 2, 16), (1, 3, 16), (1, 2, 3))
    with pytest.raises(ValueError, match="needs `resemblance`"):
        block(np.zeros((1, 2, 16), "float32"), memory=np.zeros((1, 3, 16), "float32"))
    # A grid says how long a memory of unknown length is.
    decoder = TextDecoder(20, 8, 16, 1, 2, 32, memory_grid=(2, 3))
    symbols = keras.Input((8,), dtype="int32"), keras.Input((None, 16))
    assert decoder(*symbols).shape == (None, 8, 20)


def test_wrong_grid():
    with pytest.raises(ValueError, match="2 × 3 = 6 tokens"):
        GridPositionEmbedding(2, 3)(np.zeros((1, 5, 16), "float32"))


def test_an_encoder_without_a_map_is_refused():
    flat = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    with pytest.raises(ValueError, match="must end in a feature map"):
        ImageEncoder(flat)
    with pytest.raises(ValueError, match="multiple of 16"):
        small_cnn(50)


def test_a_frozen_encoder_keeps_its_statistics():
    encoder = ImageEncoder(small_cnn(32, 8), trainable=False)
    images = np.random.default_rng(0).normal(size=(4, 32, 32, 3)).astype("float32")
    before = np.asarray(encoder(images))
    encoder(tf.constant(images) * 5 + 3, training=True)
    np.testing.assert_array_equal(encoder(images), before)
    assert not encoder.trainable_weights
