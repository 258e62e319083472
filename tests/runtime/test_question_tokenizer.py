import unicodedata

import numpy as np
import pytest
import tensorflow as tf

from mmkeras.preprocessing import BertTokenizer, WordPieceTokenizer, WordTokenizer
from mmkeras.preprocessing.text.pack_tokens import pack_tokens
from mmkeras.runtime.question_tokenizer import (
    QuestionTokenizer,
    is_bert_han,
    is_han,
)

LENGTH = 24
QUESTIONS = [
    "What colour is the cat's hat?",
    "猫在哪里？桌子上有3只猫吗",
    "ÉTÉ à la plage, n'est-ce pas?",
    "cafe\u0301 or café",
    "ΟΔΟΣ ΣΑΣ",
    "İstanbul'da mı?",
    "[PAD] [END] ##s # $5 + 3 = 8 ~ ^_^",
    "a\u200bb\u00a0c\td\u3000e",
    "ひらがなとカタカナ、漢字",
    "👩‍🚀 is she an astronaut? 😀",
    "x" * 101,
    "é" * 51,
    "ab " * 40,
    "q" * 5000,
    "  ",
    "",
    "\u200b",
    "ﬁne Ⅳ ½ ① ß",
    "naïve—“quoted” …",
]


def as_questions(tokenizer, kind) -> QuestionTokenizer:
    return QuestionTokenizer(
        tokenizer.get_vocabulary(),
        kind=kind,
        lowercase=True,
        sequence_length=LENGTH,
        pad=tokenizer.pad_token_id,
        unk=tokenizer.token_to_id("[UNK]"),
        start=tokenizer.start_token_id,
        end=tokenizer.end_token_id,
    )


@pytest.fixture(scope="module")
def word_piece():
    # So small that words are split into pieces, and some cannot be encoded.
    return WordPieceTokenizer.learn(QUESTIONS[:6] + ["where is the cat"] * 9, 90)


@pytest.fixture(scope="module")
def bert():
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = ["what", "is", "the", "cat", "##s", "?", ",", "3", "e", "猫", "在", "σ"]
    letters = "abcdefghijklmnopqrstuvwxyzéοδσas'$+=~^_#[]"
    pieces = dict.fromkeys([*marks, *words, *letters, *(f"##{c}" for c in letters)])
    return BertTokenizer(list(pieces))


@pytest.mark.parametrize("kind", ["word_piece", "bert"])
def test_questions_equal_the_graph(kind, request):
    tokenizer = request.getfixturevalue(kind)
    wanted = pack_tokens(tokenizer, QUESTIONS, LENGTH).numpy()
    ours = as_questions(tokenizer, kind)
    for question, row in zip(QUESTIONS, wanted, strict=True):
        np.testing.assert_array_equal(ours(question), row, err_msg=repr(question))


@pytest.mark.parametrize("kind", ["word_piece", "bert"])
def test_characters_equal_the_graph(kind, request):
    """Each character between two letters, in all planes with characters."""
    tokenizer = request.getfixturevalue(kind)
    ours = as_questions(tokenizer, kind)
    # Only one of the libraries may know characters that were added to Unicode.
    characters = [
        chr(code)
        for code in range(0x32400)
        if unicodedata.category(chr(code)) not in ("Cn", "Cs", "Co")
    ]
    # Every 7th: a prime, which reaches every column of a block of several rows.
    texts = [f"a{character}b" for character in characters[::7]]
    wanted = pack_tokens(tokenizer, texts, LENGTH).numpy()
    off = [
        text
        for text, row in zip(texts, wanted, strict=True)
        if not np.array_equal(ours(text), row)
    ]
    assert off == []


def test_han_equals_the_regular_expressions():
    codes = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    for mine, pattern in (
        (is_han, r"\p{Han}"),
        (
            is_bert_han,
            r"[\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{20000}-\x{2A6DF}"
            r"\x{2A700}-\x{2B73F}\x{2B740}-\x{2B81F}\x{2B920}-\x{2CEAF}"
            r"\x{F900}-\x{FAFF}\x{2F800}-\x{2FA1F}]",
        ),
    ):
        texts = [chr(code) for code in codes]
        wanted = tf.strings.regex_full_match(texts, pattern).numpy()
        found = np.array([mine(text) for text in texts])
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("oov_token", ["<OOV>", None])
@pytest.mark.parametrize("separator", [" ", ""])
def test_whole_words_equal_the_graph(oov_token, separator):
    words = ["[PAD]", "<OOV>", "what", "colour", "is", "the", "cat's", "hat", "cats"]
    punctuation = WordTokenizer(words, oov_token).punctuation
    punctuation += "" if separator else "'"
    tokenizer = WordTokenizer(words, oov_token, punctuation, separator)
    ours = QuestionTokenizer(
        words,
        kind="words",
        lowercase=True,
        sequence_length=LENGTH,
        pad=0,
        unk=None if oov_token is None else 1,
        punctuation=punctuation,
        separator=separator,
    )
    wanted = pack_tokens(tokenizer, QUESTIONS, LENGTH).numpy()
    for question, row in zip(QUESTIONS, wanted, strict=True):
        np.testing.assert_array_equal(ours(question), row, err_msg=repr(question))


def test_unknown_kind():
    with pytest.raises(ValueError, match="kind 'byte_pairs'.*Update mmkeras"):
        QuestionTokenizer(["a"], "byte_pairs", True, 8, 0, 1)
