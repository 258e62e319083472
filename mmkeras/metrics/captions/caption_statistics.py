from __future__ import annotations

from collections.abc import Sequence


def caption_statistics(
    captions: Sequence[str], known: Sequence[str] = ()
) -> dict[str, float]:
    """Length, vocabulary and variety of captions.

    Args:
        captions: tokenised captions, strings with spaces between words.
        known: tokenised captions that the model could have copied, those it was trained
            on.

    Returns:
        Dict of `"captions"`, `"empty"` (counts), `"words_mean"` (of a caption),
        `"vocabulary"` (different words), `"distinct_1"` and `"distinct_2"` (different
        words and pairs over all of them), `"unique"` (different captions over all) and,
        where `known` is given, `"novel"` (share of captions that are not among them)
        and `"copied"` (share that are).

    Reference:
        - [Li et al., 2016](https://arxiv.org/abs/1510.03055)
    """
    sentences = [caption.split() for caption in captions]
    words = [word for sentence in sentences for word in sentence]
    pairs = [
        pair for words in sentences for pair in zip(words, words[1:], strict=False)
    ]
    statistics = {
        "captions": len(captions),
        "empty": sum(not sentence for sentence in sentences),
        "words_mean": len(words) / max(1, len(captions)),
        "vocabulary": len(set(words)),
        "distinct_1": len(set(words)) / max(1, len(words)),
        "distinct_2": len(set(pairs)) / max(1, len(pairs)),
        "unique": len(set(captions)) / max(1, len(captions)),
    }
    if known:
        seen = set(known)
        copied = sum(caption in seen for caption in captions) / max(1, len(captions))
        statistics |= {"novel": 1 - copied, "copied": copied}
    return statistics
