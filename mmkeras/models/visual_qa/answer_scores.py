from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


def answer_key(answers: tf.Tensor) -> tf.Tensor:
    """What answers are compared by: without case, and with single spaces.

    Args:
        answers: `tf.string` `[...]`.

    Returns:
        `tf.string` `[...]`.
    """
    answers = tf.strings.lower(answers, encoding="utf-8")
    return tf.strings.strip(tf.strings.regex_replace(answers, r"\s+", " "))


def answer_scores(
    answers: tf.Tensor, places: Callable[[tf.Tensor], tf.Tensor], size: int
) -> tf.Tensor:
    """The score of each known answer to a question, by what annotators answered.

    A single annotator's answer scores 1. Of several it scores as the VQA evaluation
    does on average over leaving one annotator out: `min(1, others / 3)`, where
    `others` of those that are left gave it. Of ten annotators, four that agree give
    1, three 0.9, two 0.6, one 0.3.

    Args:
        answers: `tf.string` `[..., annotators]`, padded with `""`.
        places: a function from `answer_key` of answers to their places, int32, -1 for
            one that is not known.
        size: int, how many answers are known.

    Returns:
        float32 `[..., size]`.

    Reference:
        - [Antol et al., 2015](https://arxiv.org/abs/1505.00468)
    """
    keys = answer_key(answers)
    # A negative place is no place in a one-hot row.
    counts = tf.reduce_sum(tf.one_hot(places(keys), size), axis=-2)
    given = tf.cast(tf.not_equal(keys, ""), tf.float32)
    number = tf.reduce_sum(given, axis=-1, keepdims=True)
    with_it = counts * tf.minimum(1.0, (counts - 1) / 3)
    without_it = (number - counts) * tf.minimum(1.0, counts / 3)
    several = tf.math.divide_no_nan(with_it + without_it, number)
    return tf.where(number > 1, several, counts)
