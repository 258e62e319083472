from __future__ import annotations

import collections
import itertools
from collections.abc import Iterable

import tensorflow as tf

from mmkeras.arguments import whole_number
from mmkeras.models.visual_qa.answer_scores import answer_key

_CHUNK = 4096


def frequent_answers(
    answers: Iterable[str], number: int = 3000, min_count: int = 1
) -> list[str]:
    """The most frequent answers, each in its most frequent spelling.

    Args:
        answers: iterable of strings, with repetitions.
        number: int, maximum number of answers.
        min_count: int, minimum number of occurrences of an answer.

    Returns:
        list of strings, the most frequent first, ties in lexicographic order.

    Raises:
        ValueError: if a number is below 1, or no answer is frequent enough.
    """
    number = whole_number("number", number, 1)
    min_count = whole_number("min_count", min_count, 1)
    written = collections.Counter(answers)
    spellings: dict[bytes, collections.Counter] = {}
    texts = iter(written)
    while chunk := list(itertools.islice(texts, _CHUNK)):
        for text, key in zip(
            chunk, answer_key(tf.constant(chunk)).numpy(), strict=True
        ):
            if key:
                spellings.setdefault(key, collections.Counter())[text] = written[text]
    counts = {key: sum(found.values()) for key, found in spellings.items()}
    kept = sorted(
        (key for key, count in counts.items() if count >= min_count),
        key=lambda key: (-counts[key], key),
    )
    if not kept:
        raise ValueError(
            f"No answer occurs {min_count} times. The data have {len(counts)} "
            "answers: lower `min_answer_count`, or check the key 'answer'."
        )
    return [_most_common(spellings[key]) for key in kept[:number]]


def _most_common(spellings: collections.Counter) -> str:
    return min(spellings, key=lambda text: (-spellings[text], text))
