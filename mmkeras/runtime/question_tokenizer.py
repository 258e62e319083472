from __future__ import annotations

import bisect
import functools
import unicodedata
from collections.abc import Callable, Sequence

import numpy as np

_JOINER = "##"
_CHARACTERS_PER_TOKEN = 100
# The white space of `tf.strings.split`.
_ASCII_SPACE = "\t\n\v\f\r "
# In bytes for WordPiece, in characters for BERT.
_MAX_WORD_LENGTH = 100
# Ranges of the script Han in RE2 (TensorFlow 2.21), first and last character.
_HAN_SCRIPT = (
    (0x2E80, 0x2E99),
    (0x2E9B, 0x2EF3),
    (0x2F00, 0x2FD5),
    (0x3005, 0x3005),
    (0x3007, 0x3007),
    (0x3021, 0x3029),
    (0x3038, 0x303B),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFA6D),
    (0xFA70, 0xFAD9),
    (0x16FE2, 0x16FE3),
    (0x16FF0, 0x16FF1),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B739),
    (0x2B740, 0x2B81D),
    (0x2B820, 0x2CEA1),
    (0x2CEB0, 0x2EBE0),
    (0x2F800, 0x2FA1D),
    (0x30000, 0x3134A),
    (0x31350, 0x323AF),
)
# Ranges of Han characters in BERT's reference, in which extension E starts at 2B920.
_BERT_HAN = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0x2F800, 0x2FA1F),
)


class QuestionTokenizer:
    """Tokenizes questions as the tokenizer of the model does, in plain Python.

    Args:
        vocabulary: sequence of strings, the pieces in the order of their ids.
        kind: string, `"word_piece"` for `mmkeras.preprocessing.WordPieceTokenizer`,
            `"bert"` for `BertTokenizer`, `"words"` for `WordTokenizer`.
        lowercase: bool, whether to lowercase the question first.
        sequence_length: int, length of the rows.
        pad: int, id of padding.
        unk: int, id of unknown words, or `None` to drop them.
        start: int, id of the start token, or `None`.
        end: int, id of the end token, or `None`.
        punctuation: string, the characters to remove, for `"words"`.
        separator: string that replaces them.

    Raises:
        ValueError: if the kind is unknown.
    """

    def __init__(
        self,
        vocabulary: Sequence[str],
        kind: str,
        lowercase: bool,
        sequence_length: int,
        pad: int,
        unk: int | None,
        start: int | None = None,
        end: int | None = None,
        punctuation: str = "",
        separator: str = "",
    ):
        if kind not in _SPLITS:
            raise ValueError(
                f"This version of mmkeras has no tokenizer of the kind {kind!r}. "
                "Update mmkeras: pip install --upgrade mmkeras"
            )
        more = {}
        if kind == "words":
            more["replaced"] = {ord(mark): separator for mark in punctuation}
        self._split = functools.partial(_SPLITS[kind], lowercase=lowercase, **more)
        self._too_long = _TOO_LONG[kind]
        self._whole_words = kind == "words"
        self._ids = {piece: place for place, piece in enumerate(vocabulary)}
        self._length = sequence_length
        self._pad, self._unk = pad, unk
        self._start = [] if start is None else [start]
        self._end = [] if end is None else [end]

    def __call__(self, question: str) -> np.ndarray:
        """Tokenizes a question.

        Args:
            question: string.

        Returns:
            int32 `[sequence_length]`, only padding for a blank question.
        """
        text = question[: _CHARACTERS_PER_TOKEN * self._length]
        ids = [
            token_id for word in self._split(text) for token_id in self._pieces(word)
        ]
        row = np.full([self._length], self._pad, np.int32)
        if ids and not all(map(_is_space, text)):
            room = self._length - len(self._start) - len(self._end)
            ids = [*self._start, *ids[:room], *self._end]
            row[: len(ids)] = ids
        return row

    def _pieces(self, word: str) -> list[int]:
        """The longest pieces from the left, or the unknown token for the word."""
        unknown = [] if self._unk is None else [self._unk]
        if self._too_long(word):
            return unknown
        if self._whole_words:
            return [self._ids[word]] if word in self._ids else unknown
        found, start = [], 0
        while start < len(word):
            prefix = _JOINER if start else ""
            for end in range(len(word), start, -1):
                token_id = self._ids.get(prefix + word[start:end])
                if token_id is not None:
                    break
            else:
                return unknown
            found.append(token_id)
            start = end
        return found


def _word_piece_words(text: str, lowercase: bool) -> list[str]:
    # TensorFlow Text's normalization, written in C, ends the string at a zero byte.
    text = unicodedata.normalize("NFC", text.split("\0")[0])
    text = text.lower() if lowercase else text
    return _words(text, _is_space, lambda c: _is_punctuation(c) or is_han(c))


def _whole_words(text: str, lowercase: bool, replaced: dict) -> list[str]:
    text = text.lower() if lowercase else text
    return _words(
        text.translate(replaced), lambda c: c in _ASCII_SPACE, lambda c: False
    )


def _bert_words(text: str, lowercase: bool) -> list[str]:
    text = "".join(c for c in text if not _is_removed_by_bert(c))
    text = "".join(f" {c} " if is_bert_han(c) else c for c in text)
    text = unicodedata.normalize("NFD", text)
    text = "".join(c for c in text if unicodedata.category(c) != "Mn")
    # A final sigma would otherwise become "ς".
    text = text.replace("Σ", "σ").lower()
    return _words(text, _is_bert_space, _is_punctuation)


def _words(text: str, is_space: Callable, is_separate: Callable) -> list[str]:
    words, word = [], ""
    for character in text:
        separate = is_separate(character)
        if not separate and not is_space(character):
            word += character
            continue
        words += [word, character] if separate else [word]
        word = ""
    return [word for word in [*words, word] if word]


def is_han(character: str) -> bool:
    """Whether a character belongs to the script Han."""
    return _is_in(_HAN_SCRIPT, character)


def is_bert_han(character: str) -> bool:
    """Whether BERT's tokenizer splits off a character as a Han character."""
    return _is_in(_BERT_HAN, character)


def _is_in(ranges, character) -> bool:
    place = bisect.bisect_right(ranges, (ord(character), 0x110000)) - 1
    return place >= 0 and ord(character) <= ranges[place][1]


def _is_space(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] == "Z" or category in ("Cc", "Cf")


def _is_bert_space(character: str) -> bool:
    return character in "\t\n\f\r " or unicodedata.category(character)[0] == "Z"


def _is_removed_by_bert(character: str) -> bool:
    category = unicodedata.category(character)
    return character == "\ufffd" or (category[0] == "C" and character not in "\t\n\r")


def _is_punctuation(character: str) -> bool:
    # Including the ASCII symbols $ + < = > ^ ` | ~.
    if "!" <= character <= "~":
        return not character.isalnum()
    return unicodedata.category(character)[0] == "P"


_SPLITS = {
    "word_piece": _word_piece_words,
    "bert": _bert_words,
    "words": _whole_words,
}
_TOO_LONG = {
    "word_piece": lambda word: len(word.encode("utf-8")) > _MAX_WORD_LENGTH,
    "bert": lambda word: len(word) > _MAX_WORD_LENGTH,
    "words": lambda word: len(word.encode("utf-8")) > _MAX_WORD_LENGTH,
}
