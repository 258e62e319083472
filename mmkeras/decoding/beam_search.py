from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from mmkeras.decoding.decoding_result import DecodingResult

_NEVER = -1e9


class BeamSearch:
    """Keeps the best few hypotheses at each step, in one graph loop.

    A beam that ends is frozen and kept beside the ones that go on, scored with
    the length penalty `((5 + length) / 6) ** length_penalty`. The search stops
    when no beam that goes on can beat the kept ones, or at `max_length`, where
    the unfinished compete as they are.

    Args:
        num_beams: int, hypotheses kept for each row.
        start_token_id: int, fed at position 0.
        end_token_id: int, which ends a hypothesis.
        pad_token_id: int, written after the end.
        length_penalty: float, 0 for none; larger values favour longer text.

    Call arguments:
        step: callable `(token_ids [rows * num_beams], position, cache) ->
            (logits [rows * num_beams, vocabulary_size], cache)`.
        cache: nested tensors `[rows * num_beams, ...]` of static shape but for
            the rows. Hypotheses of a row are adjacent.
        rows: int or int32 scalar tensor, number of sequences.
        max_length: int, the most tokens that are written.

    Returns:
        A `DecodingResult` with an `n_best` of `num_beams`.

    Raises:
        ValueError: if `num_beams` is not a positive integer, or
            `length_penalty` is negative.

    Reference:
        - [Wu et al., 2016](https://arxiv.org/abs/1609.08144), equation 14
    """

    def __init__(
        self,
        num_beams: int,
        start_token_id: int,
        end_token_id: int,
        pad_token_id: int,
        length_penalty: float = 0.0,
    ):
        if not isinstance(num_beams, int) or num_beams < 1:
            raise ValueError(
                "`num_beams` must be an integer of at least 1. "
                f"Received: num_beams={num_beams!r}."
            )
        if length_penalty < 0:
            raise ValueError(
                "`length_penalty` must not be negative; 0 turns it off. "
                f"Received: length_penalty={length_penalty}."
            )
        self.num_beams = num_beams
        self.start_token_id = start_token_id
        self.end_token_id = end_token_id
        self.pad_token_id = pad_token_id
        self.length_penalty = float(length_penalty)

    def __call__(
        self, step: Callable, cache, rows: int | tf.Tensor, max_length: int
    ) -> DecodingResult:
        beams = self.num_beams

        def proceed(position, alive, alive_scores, ended, ended_scores, cache):
            # Scores are negative, so the largest divisor bounds what may come.
            bound = tf.reduce_max(alive_scores, axis=1) / self._penalty(max_length)
            hopeful = bound > tf.reduce_min(ended_scores, axis=1)
            return (position < max_length) & tf.reduce_any(hopeful)

        def advance(position, alive, alive_scores, ended, ended_scores, cache):
            last = tf.gather(alive, tf.maximum(position - 1, 0), axis=2, batch_dims=0)
            last = tf.where(position > 0, last, self.start_token_id)
            logits, cache = step(tf.reshape(last, [-1]), position, cache)
            log_probs = tf.nn.log_softmax(logits)
            vocabulary = log_probs.shape[-1]
            totals = tf.reshape(alive_scores, [-1, beams, 1]) + tf.reshape(
                log_probs, [-1, beams, vocabulary]
            )
            # Each beam can end only once, so the best 2 × beams hold at least
            # as many that go on as are needed.
            count = min(2 * beams, beams * vocabulary)
            scores, flat = tf.math.top_k(
                tf.reshape(totals, [-1, beams * vocabulary]), k=count
            )
            parents, tokens = flat // vocabulary, flat % vocabulary
            sequences = tf.gather(alive, parents, batch_dims=1)
            here = tf.equal(tf.range(max_length), position)
            sequences = tf.where(here, tf.expand_dims(tokens, -1), sequences)
            ends = tf.equal(tokens, self.end_token_id)

            alive_scores, keep = tf.math.top_k(tf.where(ends, _NEVER, scores), k=beams)
            alive = tf.gather(sequences, keep, batch_dims=1)
            chosen = tf.gather(parents, keep, batch_dims=1)
            cache = self._reorder(cache, chosen)

            closing = tf.where(ends, scores / self._penalty(position + 1), _NEVER)
            ended, ended_scores = self._best(
                (ended, sequences), (ended_scores, closing)
            )
            return position + 1, alive, alive_scores, ended, ended_scores, cache

        blank = tf.fill([rows, beams, max_length], self.pad_token_id)
        first = tf.concat([tf.zeros([rows, 1]), tf.fill([rows, beams - 1], _NEVER)], 1)
        state = (
            tf.constant(0),
            blank,
            first,
            blank,
            tf.fill([rows, beams], _NEVER),
            cache,
        )
        shapes = (
            tf.TensorShape([]),
            tf.TensorShape([None, beams, max_length]),
            tf.TensorShape([None, beams]),
            tf.TensorShape([None, beams, max_length]),
            tf.TensorShape([None, beams]),
            tf.nest.map_structure(
                lambda x: tf.TensorShape([None, *x.shape[1:]]), cache
            ),
        )
        position, alive, alive_scores, ended, ended_scores, _ = tf.while_loop(
            proceed, advance, state, shape_invariants=shapes
        )
        open_scores = tf.where(
            position >= max_length, alive_scores / self._penalty(max_length), _NEVER
        )
        return DecodingResult(*self._best((ended, alive), (ended_scores, open_scores)))

    def _penalty(self, length) -> tf.Tensor:
        return ((5.0 + tf.cast(length, tf.float32)) / 6.0) ** self.length_penalty

    def _best(self, sequences, scores):
        scores, index = tf.math.top_k(tf.concat(scores, axis=1), k=self.num_beams)
        return tf.gather(tf.concat(sequences, axis=1), index, batch_dims=1), scores

    def _reorder(self, cache, parents):
        rows = tf.expand_dims(tf.range(tf.shape(parents)[0]), 1) * self.num_beams
        index = tf.reshape(rows + parents, [-1])
        return tf.nest.map_structure(lambda x: tf.gather(x, index), cache)
