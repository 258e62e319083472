from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

ORDERS = 4
# Ids of words and of n-grams stay below it, so that two of them fit an int64.
_ID_BITS = 31


class Ngrams(NamedTuple):
    """Where n-grams stand: three int64 arrays of one length.

    `row` is the sentence, `gram` the id of the n-gram, `order` its words less one.
    """

    row: np.ndarray
    gram: np.ndarray
    order: np.ndarray


class NgramTable:
    """Ids of the n-grams, up to four words long, of some sentences.

    An n-gram is known by the id of its beginning and its last word, two numbers in one,
    so that counting is sorting of integers and no two n-grams are ever taken for one.

    Args:
        sentences: sequence of lists of words.

    Attributes:
        size: int, the number of n-grams of all orders.
        ngrams: `Ngrams` of the sentences, with ids from 0 to `size`.
    """

    def __init__(self, sentences: Sequence[list[str]]):
        unique = dict.fromkeys(chain.from_iterable(sentences))
        self._words = {word: number for number, word in enumerate(unique)}
        self._keys: list[np.ndarray] = [np.arange(len(unique))]
        words, lengths = self._encode(sentences, {})
        parts = [self._numbered(0, *_places(lengths, 1), words)]
        ids = words
        for order in range(1, ORDERS):
            keys, places, rows = _keys(ids, words, lengths, order)
            known, inverse = np.unique(keys, return_inverse=True)
            self._keys.append(known)
            ids = _at(places, inverse, len(words))
            parts.append(self._numbered(order, places, rows, inverse))
        self.size = int(sum(map(len, self._keys)))
        self.ngrams = _joined(parts)

    def find(self, sentences: Sequence[list[str]]) -> Ngrams:
        """The n-grams of other sentences.

        Args:
            sentences: sequence of lists of words.

        Returns:
            `Ngrams`; those that the table does not have get ids from `size` on.
        """
        words, lengths = self._encode(sentences, {})
        strangers, parts, ids = self.size, [], words
        for order in range(ORDERS):
            if order:
                keys, places, rows = _keys(ids, words, lengths, order)
            else:
                keys, (places, rows) = words, _places(lengths, 1)
            found = _search(self._keys[order], keys)
            new, inverse = np.unique(keys[found < 0], return_inverse=True)
            local = found.copy()
            local[found < 0] = inverse + len(self._keys[order])
            part = self._numbered(order, places, rows, local)
            part.gram[found < 0] = inverse + strangers
            strangers += len(new)
            ids = _at(places, local, len(words))
            parts.append(part)
        return _joined(parts)

    def _encode(self, sentences, strangers) -> tuple[np.ndarray, np.ndarray]:
        lengths = np.fromiter(map(len, sentences), np.int64, len(sentences))
        known, flat = self._words, chain.from_iterable(sentences)
        ids = np.fromiter(
            (
                known[word]
                if word in known
                else strangers.setdefault(word, len(known) + len(strangers))
                for word in flat
            ),
            np.int64,
            int(lengths.sum()),
        )
        return ids, lengths

    def _numbered(self, order, places, rows, ids) -> Ngrams:
        first = sum(map(len, self._keys[:order]))
        return Ngrams(rows, ids + first, np.full(len(rows), order))


def _places(lengths: np.ndarray, words: int) -> tuple[np.ndarray, np.ndarray]:
    """Where n-grams of so many words start, and in which sentence."""
    rows = np.repeat(np.arange(len(lengths)), lengths)
    ends = np.cumsum(lengths)
    places = np.arange(len(rows))
    fits = places + words <= ends[rows] if len(rows) else places.astype(bool)
    return places[fits], rows[fits]


def _keys(ids, words, lengths, order):
    places, rows = _places(lengths, order + 1)
    keys = (ids[places] << _ID_BITS) | words[places + order]
    return keys, places, rows


def _at(places: np.ndarray, ids: np.ndarray, length: int) -> np.ndarray:
    spread = np.zeros(length, np.int64)
    spread[places] = ids
    return spread


def _search(known: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """The index of each key among the known ones, or -1."""
    if not len(known):
        return np.full(len(keys), -1)
    index = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[index] == keys, index, -1)


def _joined(parts: list[Ngrams]) -> Ngrams:
    return Ngrams(*map(np.concatenate, zip(*parts, strict=True)))
