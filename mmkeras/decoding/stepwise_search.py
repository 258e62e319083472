from __future__ import annotations

import abc
from collections.abc import Callable

import tensorflow as tf

from mmkeras.decoding.decoding_result import DecodingResult
from mmkeras.decoding.token_constraints import TokenConstraints


class StepwiseSearch(abc.ABC):
    """Writes hypotheses that know nothing of one another, in one graph loop.

    What they have in common stands here; a subclass says in `choose` which token
    comes next.

    Args:
        start_token_id: int, fed at position 0.
        end_token_id: int, which ends a hypothesis.
        pad_token_id: int, written after the end.
        constraints: a `TokenConstraints`, or `None`.
        num_beams: int, hypotheses for each row.

    Call arguments:
        step: callable `(token_ids [rows, num_beams], position, cache, lineage) ->
            (logits [rows, num_beams, vocabulary_size], cache)`. At each position it
            keeps what it needs of the `num_beams` tokens in as many slots of the
            cache; `lineage`, bool `[rows or 1, num_beams, max_length * num_beams]`,
            says which of all slots, position by position, each hypothesis descends
            from, the present one included.
        cache: nested tensors of static shape but for the rows, for the first call
            of `step`.
        rows: int or int32 scalar tensor, number of sequences.
        max_length: int, the most tokens that are written.

    Returns:
        A `DecodingResult` with an `n_best` of `num_beams`.
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
        """The next token of each hypothesis.

        Args:
            log_probs: float32 `[rows, num_beams, vocabulary_size]`.
            position: int32 scalar.

        Returns:
            int32 `[rows, num_beams]`.
        """

    def __call__(
        self, step: Callable, cache, rows: int | tf.Tensor, max_length: int
    ) -> DecodingResult:
        beams = self.num_beams
        own = tf.expand_dims(tf.eye(beams, dtype=tf.bool), 1)

        def proceed(position, ended, *_):
            return (position < max_length) & ~tf.reduce_all(ended)

        def advance(position, ended, last, written, gains, cache):
            past = tf.reshape(tf.range(max_length) <= position, [1, max_length, 1])
            lineage = tf.reshape(own & past, [1, beams, max_length * beams])
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
    """The table `[..., length]` with `column` `[...]` at a position."""
    here = tf.equal(tf.range(table.shape[-1]), position)
    return tf.where(here, tf.expand_dims(column, -1), table)


def best_first(
    token_ids: tf.Tensor,
    scores: tf.Tensor,
    token_scores: tf.Tensor,
    number: int | None = None,
) -> DecodingResult:
    """The result with the best `number` hypotheses of each row, or all, in order."""
    scores, order = tf.math.top_k(scores, k=number or scores.shape[-1])
    return DecodingResult(
        tf.gather(token_ids, order, batch_dims=1),
        scores,
        tf.gather(token_scores, order, batch_dims=1),
    )
