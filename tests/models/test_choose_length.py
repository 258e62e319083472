import warnings

import pytest

from mmkeras.models.choose_length import choose_length
from mmkeras.preprocessing import WordPieceTokenizer

pytestmark = pytest.mark.fast

TOKENIZER = WordPieceTokenizer(["[PAD]", "[UNK]", "[START]", "[END]", *"abc"])
# 1, 3 and 2 tokens, and one more for the end.
TEXTS = ["a", "a b c", "b c"]


def choose(length, texts=TEXTS, **kwargs):
    return choose_length(
        texts, TOKENIZER, "sequence_length", length, kind="captions", **kwargs
    )


def test_the_length_of_the_longest_text():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert choose(None) == 4
        assert choose(None, special_tokens=2) == 5
        assert choose(None, minimum=24) == 24
        assert choose(None, ["a"]) == 2
        # In chunks of 4,096.
        assert choose(None, ["a"] * 5000 + ["a b c b a"]) == 6


def test_very_long_texts_are_cut_with_a_warning_that_counts():
    texts = ["a " * 200, "b " * 127, "c " * 128, "a"]
    message = "2 of 4 captions are longer than 128 tokens .* sequence_length=201 keeps"
    with pytest.warns(UserWarning, match=message):
        assert choose(None, texts) == 128


def test_a_given_length():
    assert choose(4) == 4 and choose(9) == 9
    message = (
        "1 of 3 captions are longer than sequence_length=3 tokens. The longest one, "
        "'a b c', has 4. Use sequence_length=4, or long_captions='cut'"
    )
    with pytest.raises(ValueError, match=message):
        choose(3)
    assert choose(3, long_texts="cut") == 3


def test_wrong_arguments():
    with pytest.raises(ValueError, match="`sequence_length` must be an integer of at"):
        choose(0)
    with pytest.raises(ValueError, match="`long_captions` must be 'error' or 'cut'"):
        choose(None, long_texts="maybe")
