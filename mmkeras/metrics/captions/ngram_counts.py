"""N-grams of references and hypotheses, counted for BLEU and CIDEr-D."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

ORDERS = 4
# Ids of words and of n-grams are below 2**31, so that two of them fit an int64.
_ID_BITS = 31


class Ngrams(NamedTuple):
    """Occurrences of n-grams, as int64 arrays of the same length.

    Attributes:
        row: the index of the sentence.
        gram: the id of the n-gram.
        order: the number of its words minus one.
    """

    row: np.ndarray
    gram: np.ndarray
    order: np.ndarray


class NgramTable:
    """Integer ids of the n-grams, of up to four words, of some sentences.

    The key of an n-gram combines the id of its prefix and that of its last word in one
    integer, so that n-grams are counted by sorting integers, without collisions.

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
        """Finds the n-grams of other sentences.

        Args:
            sentences: sequence of lists of words.

        Returns:
            `Ngrams`; n-grams that are not in the table get ids from `size` on.
        """
        words, lengths = self._encode(sentences, {})
        unseen, parts, ids = self.size, [], words
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
            part.gram[found < 0] = inverse + unseen
            unseen += len(new)
            ids = _at(places, local, len(words))
            parts.append(part)
        return _joined(parts)

    def _encode(self, sentences, unseen) -> tuple[np.ndarray, np.ndarray]:
        lengths = np.fromiter(map(len, sentences), np.int64, len(sentences))
        known, flat = self._words, chain.from_iterable(sentences)
        ids = np.fromiter(
            (
                known[word]
                if word in known
                else unseen.setdefault(word, len(known) + len(unseen))
                for word in flat
            ),
            np.int64,
            int(lengths.sum()),
        )
        return ids, lengths

    def _numbered(self, order, places, rows, ids) -> Ngrams:
        first = sum(map(len, self._keys[:order]))
        return Ngrams(rows, ids + first, np.full(len(rows), order))


@dataclasses.dataclass(frozen=True)
class ReferenceStatistics:
    """Counts of references for BLEU and CIDEr-D. A pair is an image and an n-gram.

    Attributes:
        table: `NgramTable` of the references.
        first: int `[images + 1]`, the first reference of each image.
        lengths: int `[references]`, in words.
        weights: float `[ngrams]`, inverse document frequencies: the logarithm of images
            over images with the n-gram.
        pairs: int `[pairs]`, ascending, `image * table.size + ngram` of pairs that
            occur.
        most: int `[pairs]`, maximum count of the n-gram in one reference.
        entries: int `[pairs + 1]`, index of the first entry of each pair.
        reference: int `[entries]`, index of a reference with the n-gram of the pair.
        count: int `[entries]`, its count in that reference.
        norms: float `[references, 4]`, norms of the vectors of weighted n-grams.
    """

    table: NgramTable
    first: np.ndarray
    lengths: np.ndarray
    weights: np.ndarray
    pairs: np.ndarray
    most: np.ndarray
    entries: np.ndarray
    reference: np.ndarray
    count: np.ndarray
    norms: np.ndarray

    @classmethod
    def of(
        cls, sentences: Sequence[list[str]], per_image: Sequence[int]
    ) -> ReferenceStatistics:
        """Counts the n-grams of references.

        Args:
            sentences: sequence of lists of words, image after image.
            per_image: sequence of ints, the number of sentences of each image.
        """
        table = NgramTable(sentences)
        first = np.concatenate([[0], np.cumsum(per_image, dtype=np.int64)])
        image_of = np.repeat(np.arange(len(per_image)), per_image)
        ngrams = table.ngrams
        local = (np.arange(len(sentences)) - first[image_of])[ngrams.row]
        pairs = image_of[ngrams.row] * table.size + ngrams.gram
        most_references = int(max(per_image, default=1))
        keys, count = np.unique(pairs * most_references + local, return_counts=True)
        pair_of_entry = keys // most_references
        starts = np.flatnonzero(np.diff(pair_of_entry, prepend=-1))
        pairs = pair_of_entry[starts]
        gram = pair_of_entry % table.size
        reference = first[pair_of_entry // table.size] + keys % most_references
        documents = np.bincount(pairs % table.size, minlength=table.size)
        weights = np.log(float(len(per_image))) - np.log(np.maximum(1.0, documents))
        order = np.empty(table.size, np.int64)
        order[ngrams.gram] = ngrams.order
        norms = np.bincount(
            reference * ORDERS + order[gram],
            (count * weights[gram]) ** 2,
            len(sentences) * ORDERS,
        )
        return cls(
            table=table,
            first=first,
            lengths=np.fromiter(map(len, sentences), np.int64, len(sentences)),
            weights=weights,
            pairs=pairs,
            most=np.maximum.reduceat(count, starts) if len(starts) else count,
            entries=np.append(starts, len(keys)),
            reference=reference,
            count=count,
            norms=np.sqrt(norms).reshape(-1, ORDERS),
        )


@dataclasses.dataclass(frozen=True)
class HypothesisCounts:
    """Counts of n-grams of one caption per image, matched with the references.

    Attributes:
        lengths: int `[images]`, in words.
        image: int `[counts]`, index of the image.
        order: int `[counts]`, the number of words of the n-gram minus one.
        count: int `[counts]`, its count in the caption.
        weight: float `[counts]`, as in `ReferenceStatistics`.
        pair: int `[counts]`, its index in the pairs of the references, or -1.
    """

    lengths: np.ndarray
    image: np.ndarray
    order: np.ndarray
    count: np.ndarray
    weight: np.ndarray
    pair: np.ndarray

    @classmethod
    def of(
        cls, sentences: Sequence[list[str]], references: ReferenceStatistics
    ) -> HypothesisCounts:
        """Counts the n-grams of hypotheses.

        Args:
            sentences: sequence of lists of words, one for each image.
            references: the `ReferenceStatistics` of the same images.
        """
        ngrams, size = references.table.find(sentences), references.table.size
        span = int(max(ngrams.gram.max(initial=0) + 1, size))
        keys, first, count = np.unique(
            ngrams.row * span + ngrams.gram, return_index=True, return_counts=True
        )
        image, gram = keys // span, keys % span
        known = gram < size
        weights = references.weights[np.where(known, gram, 0)] if size else 0.0
        unseen = np.log(float(len(sentences)))
        return cls(
            lengths=np.fromiter(map(len, sentences), np.int64, len(sentences)),
            image=image,
            order=ngrams.order[first],
            count=count,
            weight=np.where(known, weights, unseen),
            pair=_pair_places(references.pairs, image * size + gram, known),
        )


def _pair_places(
    pairs: np.ndarray, wanted: np.ndarray, known: np.ndarray
) -> np.ndarray:
    if not len(pairs):
        return np.full(len(wanted), -1)
    place = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
    return np.where(known & (pairs[place] == wanted), place, -1)


def _places(lengths: np.ndarray, words: int) -> tuple[np.ndarray, np.ndarray]:
    """Start of each n-gram of a number of words, and its sentence."""
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
