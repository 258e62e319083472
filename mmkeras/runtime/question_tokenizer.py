from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable, Sequence

import numpy as np

from mmkeras.runtime.han import is_bert_han, is_han

_JOINER = "##"
_CHARACTERS_PER_TOKEN = 100
# What `tf.strings.split` splits at.
_ASCII_SPACE = "\t\n\v\f\r "
# Of WordPiece: bytes, of BERT: characters.
_LONGEST_WORD = 100


class QuestionTokenizer:
    """Questions to word pieces, as the model's own tokenizer cuts them in graph.

    Args:
        vocabulary: sequence of strings, the pieces by their ids.
        kind: string, `"word_piece"` for `mmkeras.preprocessing.WordPieceTokenizer`,
            `"bert"` for `BertTokenizer`, `"words"` for `WordTokenizer`.
        lowercase: bool.
        sequence_length: int, length of the rows.
        pad: int, id of the padding.
        unk: int, id of a word that cannot be spelled, or `None` to leave it out.
        start: int, id that stands before the pieces, or `None`.
        end: int, id that stands after them, or `None`.
        punctuation: string, characters that are taken out, of `"words"`.
        separator: string that is put in their place.

    Raises:
        ValueError: if there is no such kind.
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
                f"This version does not know how questions of the kind {kind!r} are "
                "cut. Update mmkeras."
            )
        more = {}
        if kind == "words":
            more["replaced"] = {ord(mark): separator for mark in punctuation}
        self._split = functools.partial(_SPLITS[kind], lowercase=lowercase, **more)
        self._too_long = _TOO_LONG[kind]
        self._whole = kind == "words"
        self._ids = {piece: place for place, piece in enumerate(vocabulary)}
        self._length = sequence_length
        self._pad, self._unk = pad, unk
        self._start = [] if start is None else [start]
        self._end = [] if end is None else [end]

    def __call__(self, question: str) -> np.ndarray:
        """Cuts a question.

        Args:
            question: string.

        Returns:
            int32 `[sequence_length]`, all padding for a blank question.
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
        """The longest pieces first, or the unknown token for the whole word."""
        unknown = [] if self._unk is None else [self._unk]
        if self._too_long(word):
            return unknown
        if self._whole:
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
    # Where the string ends for the C code of the normalisation in graph.
    text = unicodedata.normalize("NFC", text.split("\0")[0])
    text = text.lower() if lowercase else text
    return _words(text, _is_space, lambda c: _is_mark(c) or is_han(c))


def _whole_words(text: str, lowercase: bool, replaced: dict) -> list[str]:
    text = text.lower() if lowercase else text
    return _words(
        text.translate(replaced), lambda c: c in _ASCII_SPACE, lambda c: False
    )


def _bert_words(text: str, lowercase: bool) -> list[str]:
    text = "".join(c for c in text if not _is_dropped_by_bert(c))
    text = "".join(f" {c} " if is_bert_han(c) else c for c in text)
    text = unicodedata.normalize("NFD", text)
    text = "".join(c for c in text if unicodedata.category(c) != "Mn")
    # By itself, a last sigma would become "ς".
    text = text.replace("Σ", "σ").lower()
    return _words(text, _is_bert_space, _is_mark)


def _words(text: str, is_space: Callable, stands_alone: Callable) -> list[str]:
    words, word = [], ""
    for character in text:
        alone = stands_alone(character)
        if not alone and not is_space(character):
            word += character
            continue
        words += [word, character] if alone else [word]
        word = ""
    return [word for word in [*words, word] if word]


def _is_space(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] == "Z" or category in ("Cc", "Cf")


def _is_bert_space(character: str) -> bool:
    return character in "\t\n\f\r " or unicodedata.category(character)[0] == "Z"


def _is_dropped_by_bert(character: str) -> bool:
    category = unicodedata.category(character)
    return character == "\ufffd" or (category[0] == "C" and character not in "\t\n\r")


def _is_mark(character: str) -> bool:
    # The ASCII ones among symbols too: $ + < = > ^ ` | ~.
    if "!" <= character <= "~":
        return not character.isalnum()
    return unicodedata.category(character)[0] == "P"


_SPLITS = {
    "word_piece": _word_piece_words,
    "bert": _bert_words,
    "words": _whole_words,
}
_TOO_LONG = {
    "word_piece": lambda word: len(word.encode("utf-8")) > _LONGEST_WORD,
    "bert": lambda word: len(word) > _LONGEST_WORD,
    "words": lambda word: len(word.encode("utf-8")) > _LONGEST_WORD,
}
