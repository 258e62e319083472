from __future__ import annotations

import collections
import itertools
from collections.abc import Iterable

import tensorflow as tf

from mmkeras.models.visual_qa.answer_scores import answer_key

_AT_A_TIME = 4096


def frequent_answers(
    answers: Iterable[str], number: int = 3000, min_count: int = 1
) -> list[str]:
    """The answers that are given most often, each as it is written most often.

    Args:
        answers: strings, one for each time it was given.
        number: int, the most answers to return.
        min_count: int, how often an answer must be given.

    Returns:
        list of strings, the most frequent first, equally frequent ones in the order of
        their characters.

    Raises:
        ValueError: if a number is below 1, or no answer is given so often.
    """
    for name, value in (("number", number), ("min_count", min_count)):
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}.")
    written = collections.Counter(answers)
    spellings: dict[bytes, collections.Counter] = {}
    texts = iter(written)
    while chunk := list(itertools.islice(texts, _AT_A_TIME)):
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
            f"No answer is given {min_count} times. The data have {len(counts)} "
            "answers: lower `min_answer_count`, or check the key 'answer'."
        )
    return [_most_common(spellings[key]) for key in kept[:number]]


def _most_common(spellings: collections.Counter) -> str:
    return min(spellings, key=lambda text: (-spellings[text], text))
