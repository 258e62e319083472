from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from mmkeras.metrics.captions.reference_statistics import ReferenceStatistics


@dataclasses.dataclass(frozen=True)
class HypothesisCounts:
    """The n-grams of one caption per image, and where the references have them.

    Attributes:
        lengths: int `[images]`, in words.
        image: int `[counts]`.
        order: int `[counts]`, the words of the n-gram less one.
        count: int `[counts]`, how often the caption has it.
        weight: float `[counts]`, as in `ReferenceStatistics`.
        pair: int `[counts]`, its place in the pairs of the references, or -1.
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
        """Counts.

        Args:
            sentences: sequence of lists of words, one of each image.
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
        stranger = np.log(float(len(sentences)))
        return cls(
            lengths=np.fromiter(map(len, sentences), np.int64, len(sentences)),
            image=image,
            order=ngrams.order[first],
            count=count,
            weight=np.where(known, weights, stranger),
            pair=_places(references.pairs, image * size + gram, known),
        )


def _places(pairs: np.ndarray, wanted: np.ndarray, known: np.ndarray) -> np.ndarray:
    if not len(pairs):
        return np.full(len(wanted), -1)
    place = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
    return np.where(known & (pairs[place] == wanted), place, -1)
