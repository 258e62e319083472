from __future__ import annotations

from collections.abc import Sequence


def caption_statistics(
    captions: Sequence[str], known: Sequence[str] = ()
) -> dict[str, float]:
    """Computes the length, vocabulary and diversity of captions.

    Args:
        captions: sequence of tokenized captions, strings with spaces between words.
        known: sequence of tokenized captions that the model may have copied: the
            training captions.

    Returns:
        Dict of `"captions"` and `"empty"` (numbers of captions), `"words_mean"` (mean
        number of words), `"vocabulary"` (number of distinct words), `"distinct_1"` and
        `"distinct_2"` (distinct words and bigrams over all of them), `"unique"`
        (distinct captions over all captions) and, with `known`, `"novel"` and
        `"copied"` (fractions of captions that are not, and are, among them).

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
