import gzip
import json
import pathlib

import pytest

from mmkeras.metrics import PTBTokenizer

FIXTURES = pathlib.Path(__file__).parents[2] / "fixtures" / "metrics"


def test_tokens_equal_those_of_stanford():
    # Made with pycocoevalcap: one file, read line by line.
    pairs = json.loads(
        gzip.decompress((FIXTURES / "ptb_sentences.json.gz").read_bytes())
    )
    captions, expected = zip(*pairs, strict=True)
    assert len(captions) > 3000
    tokenized = PTBTokenizer()(captions)
    different = [
        (caption, wanted, got)
        for caption, wanted, got in zip(captions, expected, tokenized, strict=True)
        if wanted != got
    ]
    assert not different


@pytest.mark.parametrize(
    "caption, expected",
    [
        ("The cat's sitting on a laptop!", "the cat 's sitting on a laptop"),
        ("It isn't $5.00, (is it?)", "it is n't $ 5.00 -lrb- is it -rrb-"),
        ("2½ cups -- or 3 1/2", "2 1/2 cups or 3\u00a01/2"),
        ("一只狗在草地上。", "一只狗在草地上 。"),
        ("two\nlines", "two lines"),
        ("", ""),
        (" ... ", ""),
    ],
)
def test_words(caption, expected):
    assert PTBTokenizer()([caption]) == [expected]


def test_a_full_stop_depends_on_the_next_caption():
    tokenizer = PTBTokenizer()
    assert tokenizer(["vitamin C.", "The end"])[0] == "vitamin c"
    assert tokenizer(["vitamin C.", "", "The end"])[0] == "vitamin c"
    assert tokenizer(["vitamin C.", "dogs"])[0] == "vitamin c."


def test_cached_words_change_nothing():
    tokenizer = PTBTokenizer()
    captions = ["A man's T-shirt, no. 5", "no. dogs", "A dog. . . a cat"]
    assert tokenizer(captions) == tokenizer(captions)
    assert tokenizer(["no. dogs"]) == ["no dogs"]
    assert tokenizer(["no. 5"]) == ["no. 5"]
