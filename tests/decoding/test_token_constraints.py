import numpy as np
import pytest
import tensorflow as tf

from mmkeras.decoding import TokenConstraints
from mmkeras.decoding.token_constraints import NEVER

END = 2


def allowed(written, position, vocabulary=6, **options):
    """The allowed next tokens, for one row of equal logits."""
    rules = TokenConstraints(END, **options)
    logits = tf.zeros([1, vocabulary])
    log_probs = rules(logits, tf.constant([written]), tf.constant(position))[0]
    return [t for t in range(vocabulary) if log_probs[t] > NEVER / 2]


def test_everything_is_allowed_by_default():
    logits = np.random.default_rng(0).normal(size=(2, 3, 6)).astype("float32")
    written = tf.zeros([2, 3, 4], tf.int32)
    found = TokenConstraints(END)(tf.constant(logits), written, 2)
    np.testing.assert_allclose(found, tf.nn.log_softmax(logits), atol=1e-6)


def test_min_length():
    assert allowed([0] * 4, 1, min_length=2) == [0, 1, 3, 4, 5]
    assert allowed([0] * 4, 2, min_length=2) == [0, 1, 2, 3, 4, 5]


def test_repeated_n_grams_by_hand():
    # 3 4 5 3 4 …: a 5 would repeat "3 4 5"; tokens beyond the position are ignored.
    written = [3, 4, 5, 3, 4, 1, 1]
    assert allowed(written, 5, no_repeat_ngram_size=3) == [0, 1, 2, 3, 4]
    # The bigram "4 5" occurs once, and the last token is 4.
    assert allowed(written, 5, no_repeat_ngram_size=2) == [0, 1, 2, 3, 4]
    assert allowed(written, 5, no_repeat_ngram_size=1) == [0, 1, 2]
    assert allowed(written, 2, no_repeat_ngram_size=3) == [0, 1, 2, 3, 4, 5]
    assert allowed(written, 5, no_repeat_ngram_size=9) == [0, 1, 2, 3, 4, 5]


def test_an_n_gram_that_overlaps_itself():
    # 3 3: another 3 would repeat the bigram "3 3".
    assert allowed([3, 3, 0], 2, no_repeat_ngram_size=2) == [0, 1, 2, 4, 5]
    assert allowed([3, 0, 0], 1, no_repeat_ngram_size=2) == [0, 1, 2, 3, 4, 5]


def test_forbidden_tokens_and_phrases():
    assert allowed([3, 4, 0], 2, forbidden=[(1,), (3, 4, 5)]) == [0, 2, 3, 4]
    assert allowed([3, 4, 0], 1, forbidden=[(1,), (3, 4, 5)]) == [0, 2, 3, 4, 5]


def test_a_sequence_without_allowed_tokens_ends():
    everything = [(token,) for token in range(6) if token != END]
    assert allowed([0] * 3, 0, forbidden=everything, min_length=2) == [END]


def test_repetition_penalty_by_hand():
    # Tokens 0 and 1 of the logits 2, -1, 0, 4 are written: 2 / 2 = 1, -1 · 2 = -2.
    rules = TokenConstraints(END, repetition_penalty=2.0)
    written = tf.constant([[0, 1, 3]])
    found = rules(tf.constant([[2.0, -1.0, 0.0, 4.0]]), written, tf.constant(2))
    expected = tf.nn.log_softmax([[1.0, -2.0, 0.0, 4.0]])
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_length": -1}, "`min_length` must be an integer"),
        ({"no_repeat_ngram_size": 1.5}, "`no_repeat_ngram_size` must be an integer"),
        ({"repetition_penalty": 0.9}, "`repetition_penalty` must be at least 1"),
        ({"repetition_penalty": float("nan")}, "`repetition_penalty` must be"),
        ({"forbidden": [()]}, "must not be empty"),
        ({"forbidden": [(END,)]}, "cannot be forbidden"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        TokenConstraints(END, **options)
