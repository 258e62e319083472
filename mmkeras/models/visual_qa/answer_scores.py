from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


def answer_key(answers: tf.Tensor) -> tf.Tensor:
    """Normalizes answers for comparison: lower case and single spaces.

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
    """Scores each known answer to a question by the annotators' answers.

    The answer of a single annotator scores 1. With several annotators an answer has
    its accuracy of the VQA evaluation: the mean of `min(1, others / 3)` over leaving
    one annotator out, where `others` is how many of the remaining ones gave it. With
    ten annotators, four that agree give 1, three 0.9, two 0.6, one 0.3.

    Args:
        answers: `tf.string` `[..., annotators]`, padded with `""`.
        places: function from normalized answers (`answer_key`) to their indices,
            int32, -1 for an unknown answer.
        size: int, number of known answers.

    Returns:
        float32 `[..., size]`.

    Reference:
        - [Antol et al., 2015](https://arxiv.org/abs/1505.00468)
    """
    keys = answer_key(answers)
    # The one-hot row of -1 is all zeros.
    counts = tf.reduce_sum(tf.one_hot(places(keys), size), axis=-2)
    given = tf.cast(tf.not_equal(keys, ""), tf.float32)
    number = tf.reduce_sum(given, axis=-1, keepdims=True)
    with_it = counts * tf.minimum(1.0, (counts - 1) / 3)
    without_it = (number - counts) * tf.minimum(1.0, counts / 3)
    several = tf.math.divide_no_nan(with_it + without_it, number)
    return tf.where(number > 1, several, counts)
