import keras
import numpy as np
import pytest

from mmkeras.layers import TextDecoder


@pytest.fixture
def decoder():
    keras.utils.set_random_seed(0)
    return TextDecoder(30, 8, 16, num_layers=2, num_heads=2, intermediate_dim=32)


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


def test_copies_follow_their_lineage(decoder):
    # Two texts for each of two memories. At position 3 the first becomes a child of
    # the second, at position 5 the second one of the first.
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


def test_several_texts_about_a_memory_are_independent(decoder):
    rng = np.random.default_rng(0)
    memory = rng.normal(size=(2, 5, 16)).astype("float32")
    ids = rng.integers(0, 30, (2, 3, 8)).astype("int32")
    together = np.asarray(decoder(ids, memory))
    assert together.shape == (2, 3, 8, 30)
    for text in range(3):
        alone = np.asarray(decoder(ids[:, text], memory))
        np.testing.assert_allclose(together[:, text], alone, atol=1e-4)


def test_a_position_does_not_attend_to_later_ones(decoder):
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


def test_word_presence_by_hand(decoder):
    # The more similar of two regions decides: e·e, and a bias of -4.
    decoder(np.zeros((1, 8), "int32"), np.zeros((1, 2, 16), "float32"))
    word = np.asarray(decoder.token_embedding)[7]
    memory = np.stack([word, -word])[None]
    found = np.asarray(decoder.word_presence(memory))
    assert found.shape == (1, 30)
    assert found[0, 7] == pytest.approx(np.sum(word**2) - 4, abs=1e-5)


def test_word_presence_is_optional():
    decoder = TextDecoder(30, 8, 16, 1, 2, 32, word_presence=False)
    memory = np.zeros((1, 2, 16), "float32")
    decoder(np.zeros((1, 8), "int32"), memory)
    assert [w.name for w in decoder.weights[:3]] == [
        "token_embedding",
        "position_embedding",
        "output_bias",
    ]
    assert not any(w.name == "presence_bias" for w in decoder.weights)
    with pytest.raises(ValueError, match="Make it with `word_presence=True`"):
        decoder.word_presence(memory)


def test_a_grid_gives_the_length_of_a_memory_of_unknown_length():
    decoder = TextDecoder(20, 8, 16, 1, 2, 32, memory_grid=(2, 3))
    symbols = keras.Input((8,), dtype="int32"), keras.Input((None, 16))
    assert decoder(*symbols).shape == (None, 8, 20)
