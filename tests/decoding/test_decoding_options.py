import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from mmkeras.decoding import (
    BeamSearch,
    DecodingOptions,
    GreedySearch,
    RandomSampling,
    build_search,
)
from mmkeras.preprocessing import WordPieceTokenizer

TOKENIZER = WordPieceTokenizer(
    ["[PAD]", "[UNK]", "[START]", "[END]", "cat", "dog", "##s", "red", "猫"]
)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, GreedySearch),
        ({"num_beams": 3}, BeamSearch),
        ({"temperature": 1.0}, RandomSampling),
        ({"top_k": 5}, RandomSampling),
        ({"top_p": 0.9, "seed": 1}, RandomSampling),
    ],
)
def test_strategy_of_options(options, kind):
    search = build_search(DecodingOptions(**options), TOKENIZER)
    assert type(search) is kind
    assert (search.start_token_id, search.end_token_id, search.pad_token_id) == (
        2,
        3,
        0,
    )


def test_options_reach_their_strategy():
    rules = {"min_length": 2, "no_repeat_ngram_size": 3, "repetition_penalty": 1.5}
    words = {"forbidden_words": ["cats", "red dog", "猫"]}
    search = build_search(DecodingOptions(
        num_beams=6, num_beam_groups=3, diversity_penalty=0.7, length_penalty=0.4,
        **rules, **words,
    ), TOKENIZER)  # fmt: skip
    assert (search.num_beams, search.num_groups) == (6, 3)
    assert (search.diversity_penalty, search.length_penalty) == (0.7, 0.4)
    found = search.constraints
    assert found.forbidden == ((4, 6), (7, 5), (8,))
    assert {name: getattr(found, name) for name in rules} == rules
    search = build_search(
        DecodingOptions(
            num_sequences=4, temperature=0.7, top_k=5, top_p=0.9, seed=3, **rules
        ),
        TOKENIZER,
    )
    assert (search.num_beams, search.temperature, search.seed) == (4, 0.7, 3)
    assert (search.top_k, search.top_p) == (5, 0.9)
    assert search.constraints.min_length == 2


def test_defaults_of_beam_search():
    search = build_search(DecodingOptions(num_beams=4), TOKENIZER)
    assert (search.length_penalty, search.diversity_penalty) == (1.0, 0.0)
    search = build_search(DecodingOptions(num_beams=4, num_beam_groups=2), TOKENIZER)
    assert search.diversity_penalty == 0.5


def test_numpy_numbers_become_python_numbers():
    given = DecodingOptions(num_beams=np.int64(4), length_penalty=np.float32(0.5))
    assert given == DecodingOptions(num_beams=4, length_penalty=0.5)
    assert type(DecodingOptions(top_k=3, seed=np.int64(7)).seed) is int


def test_options_are_hashable():
    one = DecodingOptions(forbidden_words=["cat"])
    assert one == DecodingOptions(forbidden_words="cat") and len({one, one}) == 1
    assert dataclasses.replace(one, num_beams=2) != one


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_beams": 4, "top_p": 0.9}, r"top_p=0\.9, num_beams=4"),
        ({"required_words": ["cat"]}, r"required_words=\('cat',\), num_beams=1"),
        ({"length_penalty": 0.5}, r"length_penalty=0\.5, num_beams=1"),
        ({"num_beam_groups": 2}, "num_beam_groups=2, num_beams=1"),
        ({"num_beams": 2, "diversity_penalty": 1.0}, "num_beam_groups=None"),
        ({"seed": 3}, "`seed` is an option of sampling"),
        ({"num_sequences": 2}, "at most `num_beams`, which is 1"),
        ({"top_k": 3, "num_sequences": 0}, "`num_sequences` must be an integer"),
        ({"min_length": 5, "max_length": 3}, "min_length=5, max_length=3"),
        ({"num_sequences": 1.0}, "`num_sequences` must be an integer"),
        ({"num_beams": 2.0}, "`num_beams` must be an integer"),
        ({"num_beams": 4, "num_beam_groups": 3}, "`num_beam_groups` must be an"),
        ({"top_k": 3, "seed": 1.5}, "`seed` must be an integer"),
        ({"max_length": "10"}, "`max_length` must be an integer"),
        ({"top_k": 3, "seed": 2**40}, "`seed` .* at most 2147483647. .*1099511627776"),
        ({"top_p": "0.9"}, "`top_p` must be a number. Received: top_p='0.9'"),
        ({"temperature": "1"}, "`temperature` must be a number"),
        ({"num_beams": 2, "length_penalty": "a"}, "`length_penalty` must be a number"),
        ({"temperature": 0}, "`temperature` must be greater than 0"),
        ({"top_k": -1}, "`top_k` must be an integer of at least 0"),
        ({"top_p": 1.5}, "`top_p` must be greater than 0 and at most 1"),
        ({"min_length": -1}, "`min_length` must be an integer of at least 0"),
        ({"num_beams": True}, "`num_beams` must be an integer. Received: num_beams=T"),
        ({"repetition_penalty": 0.5}, "`repetition_penalty` must be at least 1"),
        ({"repetition_penalty": None}, "`repetition_penalty` must be a number"),
        ({"forbidden_words": [3]}, r"`forbidden_words` must be .* Received: .*\[3\]"),
        ({"forbidden_words": 3}, "`forbidden_words` must be a string or a list"),
        ({"num_beams": 2, "required_words": [" "]}, "`required_words` must .* blank"),
        ({"min_length": 5, "max_length": 3}, "`min_length` must be at most `max_l"),
    ],
)
def test_invalid_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        DecodingOptions(**options)


def test_unknown_forbidden_word():
    with pytest.raises(ValueError, match="'zebra' is not in the vocabulary"):
        build_search(DecodingOptions(forbidden_words=("cat", "zebra")), TOKENIZER)


def test_required_words_reach_beam_search():
    options = DecodingOptions(num_beams=2, required_words=["cats", "猫"])
    search = build_search(options, TOKENIZER)
    assert search.required.sequences == ((4, 6), (8,))
    # "##s" continues a word: "cats" does not contain the word "cat".
    written = tf.constant([[[4, 6, 7], [4, 7, 6]]])
    one = build_search(DecodingOptions(num_beams=2, required_words="cat"), TOKENIZER)
    assert one.required.met(written, 3).numpy().tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"required_words": ["zebra"]},
            "'zebra' is not .*Remove it from `required_words`",
        ),
        (
            {"required_words": ["red dog"], "forbidden_words": ["dog"]},
            "'red dog' cannot be written without 'dog'.*required_words=.*forbidden_w",
        ),
    ],
)
def test_invalid_required_words(options, message):
    with pytest.raises(ValueError, match=message):
        build_search(DecodingOptions(num_beams=2, **options), TOKENIZER)
