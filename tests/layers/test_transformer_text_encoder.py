import keras
import numpy as np
import pytest

from mmkeras.layers import AttentionBlock, TransformerTextEncoder
from tests.layers.text_encoder_checks import check_padding


def test_padding_changes_nothing():
    keras.utils.set_random_seed(0)
    encoder = TransformerTextEncoder(9, 8, 8, num_heads=2, pad_token_id=1)
    encoder.build((None, 5))
    check_padding(encoder, encoder.embedding.embeddings)


def test_word_order_matters():
    encoder = TransformerTextEncoder(9, 8, 8, num_heads=2)
    output = np.asarray(encoder(np.array([[5, 6], [6, 5]])))
    assert np.abs(output[0, 0] - output[1, 1]).max() > 1e-3


def test_too_long():
    encoder = TransformerTextEncoder(9, 4, 8)
    with pytest.raises(
        ValueError, match="5 tokens long, but the encoder supports at most 4"
    ):
        encoder(np.ones((1, 5), "int32"))


def test_key_mask_is_combined_with_the_causal_mask():
    block = AttentionBlock(1, 8, causal=True)
    inputs = np.random.default_rng(0).normal(size=(1, 3, 4)).astype("float32")
    mask = np.array([[False, True, True]])
    output = np.asarray(block(inputs, key_mask=mask))
    changed = inputs + [[[5.0, 0, 0, 0], [0] * 4, [0, 0, 5.0, 0]]]
    again = np.asarray(block(changed.astype("float32"), key_mask=mask))
    # The second attends only to itself: the first is masked, the third comes later.
    np.testing.assert_array_equal(again[:, 1], output[:, 1])
    np.testing.assert_array_less(0.1, np.abs(again - output)[:, 2].max())
