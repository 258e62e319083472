from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from mmkeras.decoding.decoding_result import DecodingResult


class GreedySearch:
    """Takes the likeliest token at each step, in one graph loop.

    Args:
        start_token_id: int, fed at position 0.
        end_token_id: int, which ends a row.
        pad_token_id: int, written after the end.

    Call arguments:
        step: callable `(token_ids [rows], position, cache) -> (logits
            [rows, vocabulary_size], cache)`.
        cache: nested tensors of static shape but for the rows, for the first
            call of `step`.
        rows: int or int32 scalar tensor, number of sequences.
        max_length: int, the most tokens that are written.

    Returns:
        A `DecodingResult` with an `n_best` of 1. The score has no length
        penalty.

    Example:
        ```python
        search = GreedySearch(start_token_id=2, end_token_id=3, pad_token_id=0)
        result = search(step, cache, rows=8, max_length=20)
        result.token_ids   # [8, 1, 20]
        ```
    """

    num_beams = 1

    def __init__(self, start_token_id: int, end_token_id: int, pad_token_id: int):
        self.start_token_id = start_token_id
        self.end_token_id = end_token_id
        self.pad_token_id = pad_token_id

    def __call__(
        self, step: Callable, cache, rows: int | tf.Tensor, max_length: int
    ) -> DecodingResult:
        def proceed(position, ended, *_):
            return (position < max_length) & ~tf.reduce_all(ended)

        def advance(position, ended, last, score, written, cache):
            logits, cache = step(last, position, cache)
            log_probs = tf.nn.log_softmax(logits)
            best = tf.argmax(log_probs, axis=-1, output_type=tf.int32)
            gain = tf.reduce_max(log_probs, axis=-1)
            token = tf.where(ended, self.pad_token_id, best)
            score += tf.where(ended, 0.0, gain)
            written = _write_column(written, position, token)
            ended |= tf.equal(token, self.end_token_id)
            return position + 1, ended, token, score, written, cache

        state = (
            tf.constant(0),
            tf.zeros([rows], tf.bool),
            tf.fill([rows], self.start_token_id),
            tf.zeros([rows]),
            tf.fill([rows, max_length], self.pad_token_id),
            cache,
        )
        _, _, _, score, written, _ = tf.while_loop(proceed, advance, state)
        return DecodingResult(tf.expand_dims(written, 1), tf.expand_dims(score, 1))


def _write_column(table: tf.Tensor, position: tf.Tensor, column: tf.Tensor):
    here = tf.equal(tf.range(tf.shape(table)[-1]), position)
    return tf.where(here, tf.expand_dims(column, -1), table)
