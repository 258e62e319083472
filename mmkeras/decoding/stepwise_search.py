from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from mmkeras.decoding.decoding_result import DecodingResult
from mmkeras.decoding.token_constraints import TokenConstraints


class StepwiseSearch(abc.ABC):
    """Base class of strategies whose hypotheses are independent of each other.

    It runs the graph loop; a subclass chooses the next tokens in `choose`.

    Args:
        start_token_id: int, fed at position 0.
        end_token_id: int, ends a hypothesis.
        pad_token_id: int, fills the rows after the end token.
        constraints: a `TokenConstraints`, or `None`.
        num_beams: int, number of hypotheses per row.

    Call arguments:
        step: callable `(token_ids [rows, num_beams], position, cache, lineage) ->
            (logits [rows, num_beams, vocabulary_size], cache)`. At each position it
            writes the `num_beams` tokens to as many slots of the cache. `lineage`, bool
            `[rows or 1, num_beams, max_length * num_beams]`, is an attention mask
            over all slots, position by position: the slots that each hypothesis
            descends from, including the current one.
        cache: nested tensors for the first call of `step`; all dimensions but the rows
            are static.
        rows: int or int32 scalar tensor, batch size.
        max_length: int, maximum number of tokens.

    Returns:
        A `DecodingResult` with `num_beams` sequences per row.
    """

    def __init__(
        self,
        start_token_id: int,
        end_token_id: int,
        pad_token_id: int,
        constraints: TokenConstraints | None = None,
        num_beams: int = 1,
    ):
        self.start_token_id = start_token_id
        self.end_token_id = end_token_id
        self.pad_token_id = pad_token_id
        self.constraints = constraints or TokenConstraints(end_token_id)
        self.num_beams = num_beams

    @abc.abstractmethod
    def choose(self, log_probs: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
        """Chooses the next token of each hypothesis.

        Args:
            log_probs: float32 `[rows, num_beams, vocabulary_size]`.
            position: int32 scalar.

        Returns:
            int32 `[rows, num_beams]`.
        """

    def __call__(
        self, step: Callable, cache: Any, rows: int | tf.Tensor, max_length: int
    ) -> DecodingResult:
        beams = self.num_beams
        own_slot = tf.expand_dims(tf.eye(beams, dtype=tf.bool), 1)

        def proceed(position, ended, *_):
            return (position < max_length) & ~tf.reduce_all(ended)

        def advance(position, ended, last, written, gains, cache):
            past = tf.reshape(tf.range(max_length) <= position, [1, max_length, 1])
            lineage = tf.reshape(own_slot & past, [1, beams, max_length * beams])
            logits, cache = step(last, position, cache, lineage)
            log_probs = self.constraints(logits, written, position)
            token = self.choose(log_probs, position)
            gain = tf.gather(log_probs, token, batch_dims=2)
            token = tf.where(ended, self.pad_token_id, token)
            written = write_column(written, position, token)
            gains = write_column(gains, position, tf.where(ended, 0.0, gain))
            ended |= tf.equal(token, self.end_token_id)
            return position + 1, ended, token, written, gains, cache

        state = (
            tf.constant(0),
            tf.zeros([rows, beams], tf.bool),
            tf.fill([rows, beams], self.start_token_id),
            tf.fill([rows, beams, max_length], self.pad_token_id),
            tf.zeros([rows, beams, max_length]),
            cache,
        )
        _, _, _, written, gains, _ = tf.while_loop(proceed, advance, state)
        return best_first(written, tf.reduce_sum(gains, axis=-1), gains)


def write_column(table: tf.Tensor, position: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
    """Writes a column into a table.

    Args:
        table: tensor `[..., length]`.
        position: int32 scalar.
        column: tensor `[...]` of the same dtype.

    Returns:
        A tensor `[..., length]`.
    """
    here = tf.equal(tf.range(table.shape[-1]), position)
    return tf.where(here, tf.expand_dims(column, -1), table)


def best_first(
    token_ids: tf.Tensor,
    scores: tf.Tensor,
    token_scores: tf.Tensor,
    number: int | None = None,
) -> DecodingResult:
    """Sorts the hypotheses of each row by their scores.

    Args:
        token_ids: int32 `[rows, hypotheses, max_length]`.
        scores: float32 `[rows, hypotheses]`.
        token_scores: float32 `[rows, hypotheses, max_length]`.
        number: int, number of hypotheses to return per row, or `None` for all.

    Returns:
        A `DecodingResult`.
    """
    scores, order = tf.math.top_k(scores, k=number or scores.shape[-1])
    return DecodingResult(
        tf.gather(token_ids, order, batch_dims=1),
        scores,
        tf.gather(token_scores, order, batch_dims=1),
    )
