from __future__ import annotations

import numpy as np
import tensorflow as tf

from mmkeras.arguments import check_choice
from mmkeras.data.modalities import is_batched
from mmkeras.data.require_dataset import require_dataset
from mmkeras.data.transforms.dataset_texts import select_key

# Keys whose values belong to single questions of a sample.
_OF_QUESTIONS = (
    "question",
    "question_id",
    "question_type",
    "question_present",
    "answer",
    "answers",
    "answer_type",
)
_METHODS = ("oversample", "undersample")


def balance(
    dataset: tf.data.Dataset,
    by: str = "answer",
    method: str = "oversample",
    target: int | None = None,
    seed: int = 0,
) -> tf.data.Dataset:
    """Repeats samples of rare answers, or removes samples of frequent ones.

    What is counted, repeated and removed are questions. If a sample is an image with
    several questions, and these are to be repeated different numbers of times, the
    image is repeated too: first with all questions that are kept, then with those that
    are kept at least twice, and so on. An image without a remaining question is
    removed. Copies follow one another: shuffle afterwards.

    Args:
        dataset: a `tf.data.Dataset` of sample dicts, not batched, with the same
            samples in the same order at each pass. It is read once to count.
        by: string, the key that is balanced: one of a question (`"answer"`,
            `"question_type"`, ...), or one with a single value for each sample.
        method: string, `"oversample"` (all questions are kept, and those of answers
            that occur less than `target` times are repeated, as evenly as possible) or
            `"undersample"` (of answers that occur more than `target` times, that many
            questions are drawn).
        target: int, the number of questions of each answer, or `None` for that of the
            most frequent answer (oversampling) or the least frequent one
            (undersampling). With thousands of answers give one: the least frequent
            answer occurs once.
        seed: int, of the draws.

    Returns:
        A `tf.data.Dataset` of samples of the same form. Samples with an empty string
        under `by` are not counted, and kept as they are.

    Raises:
        TypeError: if it is not a dataset.
        ValueError: if the dataset is batched, the samples lack the key or its value
            has another shape than their questions, there is nothing to count, or
            `method` or `target` is invalid.
        tf.errors.InvalidArgumentError: when it is read, if the samples have another
            order than when they were counted.

    Example:
        ```python
        train = mmkeras.data.balance(train, by="answer", method="undersample")
        ```
    """
    require_dataset(dataset)
    _check(dataset.element_spec, by, method, target)
    labels = select_key(dataset, by, lambda value: tf.reshape(value, [-1]))
    classes = [value.numpy() for value in labels]
    flat = np.concatenate(classes or [[]])
    times = _times(flat, method, target, np.random.default_rng(seed))
    starts = np.cumsum([0, *map(len, classes)])
    return _repeat(dataset, by, flat, times, starts)


def _times(classes, method, target, random) -> np.ndarray:
    """How often each question is to occur."""
    names, of, counts = np.unique(classes, return_inverse=True, return_counts=True)
    places = np.split(np.argsort(of, kind="stable"), np.cumsum(counts)[:-1])
    counted = {
        name: where for name, where in zip(names, places, strict=False) if name != b""
    }
    if not counted:
        raise ValueError("There is nothing to balance: no sample, or all are empty.")
    over = method == "oversample"
    if target is None:
        target = (max if over else min)(map(len, counted.values()))
    times = np.ones(len(classes), np.int64)
    for where in counted.values():
        if (len(where) < target) == over:
            times[where] = _share(len(where), target, random)
    return times


def _share(number, target, random) -> np.ndarray:
    """Integers that sum to `target` and differ by at most one."""
    share = np.full(number, target // number)
    share[random.permutation(number)[: target % number]] += 1
    return share


def _repeat(dataset, by, classes, times, starts) -> tf.data.Dataset:
    def copies(index, sample):
        mine = slice(starts_[index], starts_[index + 1])
        seen = tf.reshape(sample[by], [-1])
        with tf.control_dependencies([_assert_same(seen, classes_[mine], by)]):
            number = tf.reduce_max(times_[mine])
        return tf.data.Dataset.range(number).map(
            lambda copy: _keep(sample, by, times_[mine] > copy)
        )

    starts_, times_ = tf.constant(starts), tf.constant(times)
    classes_ = tf.constant(classes)
    most = [times[a:b].max(initial=0) for a, b in zip(starts, starts[1:], strict=False)]
    balanced = dataset.enumerate().flat_map(copies)
    return balanced.apply(tf.data.experimental.assert_cardinality(int(sum(most))))


def _assert_same(seen, counted, by) -> tf.Operation:
    message = (
        f"The samples have another {by!r} than when they were counted. Balance a "
        "dataset that has the same order at each pass, and shuffle it afterwards."
    )
    same = tf.cond(
        tf.equal(tf.size(seen), tf.size(counted)),
        lambda: tf.reduce_all(tf.equal(seen, counted)),
        lambda: False,
    )
    return tf.debugging.Assert(same, [message])


def _keep(sample: dict, by: str, kept: tf.Tensor) -> dict:
    if sample[by].shape.rank == 0:
        return sample
    keys = [key for key in _OF_QUESTIONS if key in sample]
    return sample | {key: tf.boolean_mask(sample[key], kept) for key in keys}


def _check(spec, by, method, target) -> None:
    check_choice("method", method, _METHODS)
    if target is not None and target < 1:
        raise ValueError(f"`target` must be at least 1. Received: target={target}.")
    if not isinstance(spec, dict) or by not in spec:
        raise ValueError(f"The samples have no {by!r}. Received elements of: {spec}.")
    if is_batched(spec):
        raise ValueError(
            "Balance before the samples are batched: this dataset has batches. "
            f"Received elements of: {spec}."
        )
    rank = spec[by].shape.rank
    if rank != 0 and (rank != 1 or by not in _OF_QUESTIONS):
        raise ValueError(
            "`by` must be a key with one string for each question or sample. "
            f"Received: by={by!r} of {spec[by]}."
        )
