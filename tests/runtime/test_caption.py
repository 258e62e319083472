import copy
import json
import pickle

import pytest

from mmkeras.runtime import Answer, Caption

TOKENS = (("a", -0.5), ("cat", -0.25), ("[END]", -0.25))


@pytest.mark.parametrize("kind", [Caption, Answer])
def test_it_is_a_string_with_a_score(kind):
    caption = kind("a cat", -1.0, TOKENS)
    assert caption == "a cat" and hash(caption) == hash("a cat")
    assert {caption: 1}["a cat"] == 1
    assert (caption.score, caption.tokens) == (-1.0, TOKENS)
    assert type(caption.text) is str and caption.text == "a cat"
    assert (repr(caption), str(caption), f"{caption}!") == (
        "'a cat'",
        "a cat",
        "a cat!",
    )
    assert json.dumps([caption]) == '["a cat"]'
    assert type(caption.upper()) is str


def test_score_and_tokens_are_optional():
    caption = Caption("a cat")
    assert caption.score is None and caption.tokens is None
    assert Caption() == ""
    # Equality is the string's.
    assert caption == Caption("a cat", 2.0) and caption != Caption("a dog")


@pytest.mark.parametrize("kind", [Caption, Answer])
@pytest.mark.parametrize(
    "duplicate",
    [
        copy.copy,
        copy.deepcopy,
        *(
            lambda caption, protocol=protocol: pickle.loads(
                pickle.dumps(caption, protocol)
            )
            for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
        ),
    ],
)
def test_copies_and_pickles_keep_everything(kind, duplicate):
    again = duplicate(kind("猫", 0.5, (("猫", -0.5),)))
    assert type(again) is kind and again == "猫"
    assert (again.score, again.tokens) == (0.5, (("猫", -0.5),))
