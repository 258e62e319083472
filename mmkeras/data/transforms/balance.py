from __future__ import annotations

import numpy as np
import tensorflow as tf

from mmkeras.data.is_batched import is_batched
from mmkeras.data.require_dataset import require_dataset
from mmkeras.data.transforms.select_key import select_key

# What a sample has of each of its questions.
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
    """Repeats rare answers, or leaves frequent ones out, until all stand as often.

    What is counted, repeated and left out is a question. Where a sample is a picture
    with several, a picture whose questions stand a different number of times comes
    several times: first with all that are kept, then with those that stand at least
    twice, and so on; a picture that keeps none is left out. These copies follow one
    another: shuffle afterwards.

    Args:
        dataset: a `tf.data.Dataset` of sample dicts, not batched, which gives the same
            samples in the same order at each pass. It is read once to count.
        by: string, the key that is balanced: one of a question's (`"answer"`,
            `"question_type"`, ...), or one that a sample has one of.
        method: string, `"oversample"` (each question stays, and those of answers that
            stand less than `target` times are repeated, each as often as the others of
            its answer or once more) or `"undersample"` (of answers that stand more
            than `target` times, that many are drawn).
        target: int, how often each answer shall stand, or `None` for as often as the
            most frequent one (oversampling) or the least frequent (undersampling).
            Thousands of answers need one: the least frequent stands once.
        seed: int, of the drawing.

    Returns:
        A `tf.data.Dataset` of samples of the same form. What has an empty string under
        `by` is not counted, and stays as it is.

    Raises:
        TypeError: if it is not a dataset.
        ValueError: if the dataset is batched, the samples have no such key or one of
            another shape than their questions, there is nothing to count, or `method`
            or `target` is not one of these.
        tf.errors.InvalidArgumentError: when it is read, if the samples come in another
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
    """How often each question shall stand."""
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
    """Whole numbers that sum to `target` and differ by no more than one."""
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
        "dataset that gives them in the same order at each pass, and shuffle it "
        "afterwards."
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
    if method not in _METHODS:
        raise ValueError(
            f"`method` must be one of {', '.join(map(repr, _METHODS))}. Received: "
            f"method={method!r}."
        )
    if target is not None and target < 1:
        raise ValueError(f"`target` must be at least 1. Received: target={target}.")
    if not isinstance(spec, dict) or by not in spec:
        raise ValueError(f"The samples have no {by!r}. Received elements of: {spec}.")
    if ("image" in spec or "image_features" in spec) and is_batched(spec):
        raise ValueError(
            "Balance before the samples are batched: this dataset has batches. "
            f"Received elements of: {spec}."
        )
    rank = spec[by].shape.rank
    if rank != 0 and (rank != 1 or by not in _OF_QUESTIONS):
        raise ValueError(
            f"`by` must be of one string a question or a sample. Received: by={by!r} "
            f"of {spec[by]}."
        )
