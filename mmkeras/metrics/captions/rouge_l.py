from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

_BETA = 1.2


def rouge_l(
    references: Iterable[Sequence[list[str]]], hypotheses: Iterable[list[str]]
) -> tuple[float, np.ndarray]:
    """Computes ROUGE-L like coco-caption, from the best precision and recall.

    Args:
        references: iterable of the references of each image, each a list of words.
        hypotheses: iterable of the words of each image's caption. An empty text is one
            empty word, as returned by `"".split(" ")`.

    Returns:
        Float, the mean score, and float `[images]`, the scores of images.

    Reference:
        - [Lin, 2004](https://aclanthology.org/W04-1013/)
    """
    scores = np.array(
        [
            _score(words, of_image)
            for words, of_image in zip(hypotheses, references, strict=True)
        ]
    )
    return float(scores.mean()), scores


def _score(words: list[str], references: Sequence[list[str]]) -> float:
    places: dict[str, int] = {}
    for place, word in enumerate(words):
        places[word] = places.get(word, 0) | 1 << place
    everywhere = (1 << len(words)) - 1
    precision = recall = 0.0
    for reference in references:
        common = _longest_common(places, everywhere, reference)
        precision = max(precision, common / len(words))
        recall = max(recall, common / len(reference))
    if not precision:
        return 0.0
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)


def _longest_common(places: dict[str, int], everywhere: int, other: list[str]) -> int:
    """Length of the longest common subsequence, with a bit for each caption word.

    Hyyrö, 2004: the bits of a row of the table of lengths are 0 where it grows.
    """
    row = everywhere
    for word in other:
        if word in places:
            kept = row & places[word]
            row = (row + kept | row - kept) & everywhere
    return (everywhere ^ row).bit_count()
