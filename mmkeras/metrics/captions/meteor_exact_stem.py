from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

# Tuned for English by Denkowski and Lavie, 2014.
_ALPHA, _BETA, _GAMMA, _DELTA = 0.85, 0.2, 0.6, 0.75
_STEM_WEIGHT = 0.6
_FUNCTION_WORDS = frozenset(
    """
    a about above across after against all along also among an and any are around as
    at be because been before being below between both but by can could did do does
    down during each for from had has have he her here him his how i if in into is
    it its many may me more most much must my near no not of off on one onto or
    other our out over she should so some such than that the their them then there
    these they this those through to toward under until up upon us very was we were
    what when where which while who whom whose why will with within without would
    you your 's 're 've 'll 'd 'm n't
    """.split()
)


def meteor_exact_stem(
    references: Sequence[Sequence[list[str]]], hypotheses: Sequence[str]
) -> tuple[float, np.ndarray]:
    """Computes a variant of METEOR 1.5 that matches words and stems, in Python.

    It uses neither WordNet's synonyms nor the paraphrase table, has another list of
    function words, and aligns greedily. Its scores are comparable with each other only,
    not with those of the METEOR jar (`docs/metrics.md` states the difference). It is
    for English.

    Args:
        references: sequence of the references of each image, each a list of words.
        hypotheses: sequence of tokenized captions, strings with spaces between words.

    Returns:
        Float, the corpus score, from sums over images, and float `[images]`, the
        scores of images.

    Raises:
        ImportError: if snowballstemmer is not installed.

    Reference:
        - [Denkowski and Lavie, 2014](https://aclanthology.org/W14-3348/)
    """
    stem = _stemmer()
    totals, scores = np.zeros(8), []
    for texts, caption in zip(references, hypotheses, strict=True):
        words = caption.split()
        candidates = [_statistics(words, [w for w in r if w], stem) for r in texts]
        best = max(candidates, key=_score)
        totals += best
        scores.append(_score(best))
    return _score(totals), np.array(scores)


def _stemmer() -> Callable[[str], str]:
    try:
        import snowballstemmer
    except ImportError as error:
        raise ImportError(
            "METEOR-exact-stem needs a stemmer: pip install snowballstemmer (or "
            '"mmkeras[meteor]").'
        ) from error
    stemmer, known = snowballstemmer.stemmer("english"), {}

    def stem(word: str) -> str:
        if word not in known:
            known[word] = stemmer.stemWord(word)
        return known[word]

    return stem


def _statistics(words: list[str], reference: list[str], stem) -> np.ndarray:
    """Lengths, weighted lengths and weighted matches of both, matches, chunks."""
    exact = _aligned(words, reference, {})
    stems = _aligned(list(map(stem, words)), list(map(stem, reference)), exact)
    places = sorted(stems.items())
    weight = {i: 1.0 if i in exact else _STEM_WEIGHT for i in stems}
    chunks = sum(
        index == 0 or (i - places[index - 1][0], j - places[index - 1][1]) != (1, 1)
        for index, (i, j) in enumerate(places)
    )
    return np.array(
        [
            len(words),
            len(reference),
            math.fsum(map(_importance, words)),
            math.fsum(map(_importance, reference)),
            math.fsum(weight[i] * _importance(words[i]) for i, _ in places),
            math.fsum(weight[i] * _importance(reference[j]) for i, j in places),
            len(places),
            chunks,
        ]
    )


def _importance(word: str) -> float:
    return 1 - _DELTA if word in _FUNCTION_WORDS else _DELTA


def _aligned(words: list[str], reference: list[str], taken: dict) -> dict[int, int]:
    """Aligns equal words one to one, preferring those that continue a chunk."""
    aligned, used = dict(taken), set(taken.values())
    places: dict[str, list[int]] = {}
    for place, word in enumerate(reference):
        places.setdefault(word, []).append(place)
    for place, word in enumerate(words):
        free = [other for other in places.get(word, ()) if other not in used]
        if place in aligned or not free:
            continue
        before = aligned.get(place - 1, -2) + 1
        following = words[place + 1 : place + 2]
        chosen = min(
            free,
            key=lambda other, before=before, following=following, place=place: (
                other != before and reference[other + 1 : other + 2] != following,
                other != before,
                abs(other - place),
            ),
        )
        aligned[place] = chosen
        used.add(chosen)
    return aligned


def _score(statistics: np.ndarray) -> float:
    length, other, weighted, other_weighted, hits, other_hits, matches, chunks = (
        statistics
    )
    if not matches:
        return 0.0
    precision, recall = hits / weighted, other_hits / other_weighted
    mean = precision * recall / (_ALPHA * precision + (1 - _ALPHA) * recall)
    whole = matches == length == other and chunks == 1
    fragmentation = 0.0 if whole else chunks / matches
    return float(mean * (1 - _GAMMA * fragmentation**_BETA))
