from __future__ import annotations

import collections
from collections.abc import Mapping

import tensorflow as tf

from mmkeras.data.transforms.dataset_texts import dataset_texts

_METHODS = ("inverse", "effective_number")


def class_weights(
    data: tf.data.Dataset | Mapping[str, int],
    by: str = "answer",
    method: str = "inverse",
    beta: float = 0.999,
) -> dict[str, float]:
    """Weights for a loss by which rare answers count as much as frequent ones.

    `"inverse"` weighs an answer that stands `n` times with `1 / n`, so that all
    answers together weigh the same; `"effective_number"` with
    `(1 - beta) / (1 - beta ** n)`, which for `beta` near 1 comes near to that, and for
    `beta=0` weighs all alike.

    Args:
        data: a `tf.data.Dataset` of sample dicts, batched or not, or a dict of how
            often each answer stands.
        by: string, the key of a dataset whose strings are counted; empty ones are not.
        method: string, `"inverse"` or `"effective_number"`.
        beta: float, at least 0 and below 1.

    Returns:
        dict from answer to weight, the most frequent first. The mean of the weights
        over all samples is 1, so that the loss keeps its size.

    Raises:
        TypeError: if it is neither a dataset nor a dict.
        ValueError: if the samples have no such key, there is nothing to count, a count
            is below 1, or the method or `beta` is not one of these.

    Example:
        ```python
        weights = mmkeras.data.class_weights(train, method="effective_number")
        ```

    Reference:
        - [Cui et al., 2019](https://arxiv.org/abs/1901.05555)
    """
    if method not in _METHODS:
        raise ValueError(
            f"`method` must be one of {', '.join(map(repr, _METHODS))}. Received: "
            f"method={method!r}."
        )
    if not 0 <= beta < 1:
        raise ValueError(
            f"`beta` must be at least 0 and below 1. Received: beta={beta}."
        )
    counts = collections.Counter(
        data if isinstance(data, Mapping) else dataset_texts(data, (by,))
    )
    _check_counts(counts)
    if method == "inverse":
        raw = {key: 1 / number for key, number in counts.items()}
    else:
        raw = {key: (1 - beta) / (1 - beta**n) for key, n in counts.items()}
    total = sum(number * raw[key] for key, number in counts.items())
    scale = counts.total() / total
    return {key: raw[key] * scale for key, _ in counts.most_common()}


def _check_counts(counts) -> None:
    if not counts:
        raise ValueError("There are no answers to weigh: none is there, or all empty.")
    for key, number in counts.items():
        if number < 1:
            raise ValueError(
                f"{key!r} stands {number} times, and a weight needs at least 1. Leave "
                "it out."
            )
