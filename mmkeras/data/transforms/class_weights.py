from __future__ import annotations

import collections
from collections.abc import Mapping

import tensorflow as tf

from mmkeras.arguments import check_choice
from mmkeras.data.transforms.dataset_texts import texts_under

_METHODS = ("inverse", "effective_number")


def class_weights(
    data: tf.data.Dataset | Mapping[str, int],
    by: str = "answer",
    method: str = "inverse",
    beta: float = 0.999,
) -> dict[str, float]:
    """Weights for a loss, by which rare answers count as much as frequent ones.

    `"inverse"` weights an answer that occurs `n` times by `1 / n`, so that all
    answers have the same total weight; `"effective_number"` by
    `(1 - beta) / (1 - beta ** n)`, which approaches the former for `beta` near 1, and
    weights all answers equally for `beta=0`.

    Args:
        data: a `tf.data.Dataset` of sample dicts, batched or not, or a dict from
            answer to its number of occurrences.
        by: string, the key of a dataset whose strings are counted, except for empty
            ones.
        method: string, `"inverse"` or `"effective_number"`.
        beta: float, at least 0 and less than 1.

    Returns:
        dict from answer to weight, the most frequent first. The mean of the weights
        over all samples is 1, so that the scale of the loss does not change.

    Raises:
        TypeError: if it is neither a dataset nor a dict.
        ValueError: if the samples lack the key, there is nothing to count, a count
            is below 1, or `method` or `beta` is invalid.

    Example:
        ```python
        weights = mmkeras.data.class_weights(train, method="effective_number")
        ```

    Reference:
        - [Cui et al., 2019](https://arxiv.org/abs/1901.05555)
    """
    check_choice("method", method, _METHODS)
    if not 0 <= beta < 1:
        raise ValueError(
            f"`beta` must be at least 0 and less than 1. Received: beta={beta}."
        )
    counts = collections.Counter(
        data if isinstance(data, Mapping) else texts_under(data, by)
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
        raise ValueError("There are no answers to weight, or all are empty.")
    for key, number in counts.items():
        if number < 1:
            raise ValueError(
                f"{key!r} occurs {number} times, and a weight needs at least 1. Remove "
                "it."
            )
