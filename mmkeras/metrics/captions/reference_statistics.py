from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from mmkeras.metrics.captions.ngram_table import ORDERS, NgramTable


@dataclasses.dataclass(frozen=True)
class ReferenceStatistics:
    """What BLEU and CIDEr-D have to know of the references, counted once.

    Attributes:
        table: `NgramTable` of the references.
        first: int `[images + 1]`, the first reference of each image.
        lengths: int `[references]`, in words.
        weights: float `[ngrams]`, the logarithm of images over images with the n-gram.
        pairs: int `[pairs]`, ascending, `image * table.size + ngram` of those that
            occur.
        most: int `[pairs]`, how often, at most, one reference has the n-gram.
        entries: int `[pairs + 1]`, the first entry of each pair.
        reference: int `[entries]`, a reference that has the n-gram of the pair.
        count: int `[entries]`, how often it has it.
        norms: float `[references, 4]`, of the vectors of weighted n-grams.
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
        """Counts.

        Args:
            sentences: sequence of lists of words, image after image.
            per_image: ints, how many sentences each image has.
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
