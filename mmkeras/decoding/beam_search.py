from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from mmkeras.arguments import real_number, whole_number
from mmkeras.decoding.decoding_result import DecodingResult
from mmkeras.decoding.required_tokens import RequiredTokens
from mmkeras.decoding.stepwise_search import best_first, write_column
from mmkeras.decoding.token_constraints import NEVER, TokenConstraints

# Up to this many tokens per beam, `top_k` searches in one stage.
SHORT = 512
CHUNK = 128


class BeamSearch:
    """Beam search: keeps the best hypotheses at each step, in one graph loop.

    A finished hypothesis is set aside with the length penalty
    `((5 + length) / 6) ** length_penalty`, and the search continues with the others.
    It stops when none of them can beat the finished ones, or at `max_length`, where
    unfinished hypotheses compete as they are.

    Beams never reorder the cache: keys and values stay in the slots that they were
    written to, and a lineage mask selects the slots that each hypothesis descends from.

    Diverse groups search side by side. A group ranks its hypotheses by their scores
    minus `diversity_penalty` for each beam of an earlier group that chose the same
    token at this position; the returned scores are the model's.

    With required tokens, beams are sorted into banks by the number of required tokens
    that they contain. Each beam is extended by the next required tokens as well as by
    the likeliest ones, and beams are taken from the banks in turn, from the one with
    the most required tokens down. Hypotheses that cannot be completed within
    `max_length` are dropped.

    Args:
        num_beams: int, number of beams per row.
        start_token_id: int, fed at position 0.
        end_token_id: int, ends a hypothesis.
        pad_token_id: int, fills the rows after the end token.
        length_penalty: float, at least 0, which disables it; larger values favour
            longer text.
        constraints: a `TokenConstraints`, or `None`.
        num_groups: int, number of diverse groups, a divisor of `num_beams`.
        diversity_penalty: float, at least 0.
        required: a `RequiredTokens`, or `None`.

    Call arguments:
        step, cache, rows, max_length: see `StepwiseSearch`.

    Returns:
        A `DecodingResult` with `num_beams` sequences per row. If there are fewer
        distinct hypotheses, because of the constraints or because groups found the same
        ones, the last sequences are empty, with a score of `-1e9`.

    Raises:
        ValueError: if `num_beams` is not a positive integer or not a multiple of
            `num_groups`, or a penalty is negative.

    Example:
        ```python
        search = BeamSearch(4, start_token_id=2, end_token_id=3, pad_token_id=0)
        result = search(step, cache, rows=8, max_length=20)
        result.token_ids  # [8, 4, 20]
        ```

    Reference:
        - [Wu et al., 2016](https://arxiv.org/abs/1609.08144), equation 14
        - [Vijayakumar et al., 2018](https://arxiv.org/abs/1610.02424) (diverse groups)
        - [Post and Vilar, 2018](https://arxiv.org/abs/1804.06609) (required tokens)
    """

    def __init__(
        self,
        num_beams: int,
        start_token_id: int,
        end_token_id: int,
        pad_token_id: int,
        length_penalty: float = 0.0,
        constraints: TokenConstraints | None = None,
        num_groups: int = 1,
        diversity_penalty: float = 0.0,
        required: RequiredTokens | None = None,
    ):
        self.num_beams = whole_number("num_beams", num_beams, minimum=1)
        self.num_groups = whole_number("num_groups", num_groups, minimum=1)
        if self.num_beams % self.num_groups:
            raise ValueError(
                "`num_groups` must be an integer that divides `num_beams`, which is "
                f"{num_beams}. Received: num_groups={num_groups}."
            )
        self.start_token_id = start_token_id
        self.end_token_id = end_token_id
        self.pad_token_id = pad_token_id
        self.length_penalty = real_number("length_penalty", length_penalty, minimum=0)
        self.diversity_penalty = real_number(
            "diversity_penalty", diversity_penalty, minimum=0
        )
        self.constraints = constraints or TokenConstraints(end_token_id)
        self.required = required

    def __call__(
        self, step: Callable, cache: Any, rows: int | tf.Tensor, max_length: int
    ) -> DecodingResult:
        beams = self.num_beams
        own_slot = tf.reshape(tf.eye(beams, dtype=tf.bool), [1, beams, 1, beams])

        def proceed(position, alive, ended, lineage, cache):
            return (position < max_length) & tf.reduce_any(
                self._can_improve(alive, ended, max_length)
            )

        def advance(position, alive, ended, lineage, cache):
            here = tf.equal(tf.range(max_length), position)
            lineage |= own_slot & tf.reshape(here, [1, 1, max_length, 1])
            last = tf.gather(alive.token_ids, tf.maximum(position - 1, 0), axis=2)
            last = tf.where(position > 0, last, self.start_token_id)
            slots = tf.reshape(lineage, [-1, beams, max_length * beams])
            logits, cache = step(last, position, cache, slots)
            log_probs = self.constraints(logits, alive.token_ids, position)
            alive, ended, parents = self._select(alive, ended, log_probs, position)
            lineage = tf.gather(lineage, parents, batch_dims=1)
            return position + 1, alive, ended, lineage, cache

        # All beams of a group start out equal, so only the first one is extended.
        first = tf.equal(tf.range(beams) % (beams // self.num_groups), 0)
        first = tf.where(tf.ones([rows, 1], tf.bool) & first, 0.0, NEVER)
        blank = tf.fill([rows, beams, max_length], self.pad_token_id)
        none = tf.zeros([rows, beams, max_length])
        state = (
            tf.constant(0),
            DecodingResult(blank, first, none),
            DecodingResult(blank, tf.fill([rows, beams], NEVER), none),
            tf.zeros([rows, beams, max_length, beams], tf.bool),
            cache,
        )
        shapes = tf.nest.map_structure(
            lambda x: tf.TensorShape([None, *x.shape[1:]] if x.shape.rank else []),
            state,
        )
        position, alive, ended, _, _ = tf.while_loop(
            proceed, advance, state, shape_invariants=shapes
        )
        closed = alive.scores / self._penalty(max_length)
        complete = tf.equal(self._missing(alive.token_ids, position), 0)
        complete &= _possible(alive.scores)
        unfinished = alive._replace(
            scores=tf.where((position >= max_length) & complete, closed, NEVER)
        )
        best = [
            _best(part, beams // self.num_groups)
            for part in zip(self._split(ended), self._split(unfinished), strict=True)
        ]
        return self._result(_join(best))

    def _result(self, hypotheses) -> DecodingResult:
        result = best_first(*hypotheses)
        if self.num_groups > 1:
            result = best_first(*_without_duplicates(result))
        possible = tf.expand_dims(_possible(result.scores), -1)
        return result._replace(
            token_ids=tf.where(possible, result.token_ids, self.pad_token_id),
            token_scores=tf.where(possible, result.token_scores, 0.0),
        )

    def _can_improve(self, alive, ended, max_length):
        """bool `[rows, groups]`: whether a finished hypothesis may still be beaten."""
        shape = [-1, self.num_groups, self.num_beams // self.num_groups]
        best = tf.reduce_max(tf.reshape(alive.scores, shape), axis=-1)
        worst = tf.reduce_min(tf.reshape(ended.scores, shape), axis=-1)
        # Scores are negative, so the largest divisor gives an upper bound.
        return (best / self._penalty(max_length) > worst) & _possible(best)

    def _select(self, alive, ended, log_probs, position):
        """Unfinished and finished hypotheses, and the parent of each unfinished one."""
        size = self.num_beams // self.num_groups
        vocabulary = log_probs.shape[-1]
        used = tf.zeros([tf.shape(log_probs)[0], 1, vocabulary])
        groups = zip(
            self._split(alive),
            self._split(ended),
            tf.split(log_probs, self.num_groups, axis=1),
            strict=True,
        )
        lives, ends, parents = [], [], []
        for index, group in enumerate(groups):
            live, end, parent = self._select_in_group(*group, used, position)
            lives.append(live)
            ends.append(end)
            parents.append(parent + index * size)
            if self.diversity_penalty and index + 1 < self.num_groups:
                tokens = tf.gather(live.token_ids, position, axis=2)
                counts = tf.one_hot(tokens, vocabulary)
                counts *= tf.cast(
                    tf.expand_dims(_possible(live.scores), -1), tf.float32
                )
                used += tf.reduce_sum(counts, axis=1, keepdims=True)
        return _join(lives), _join(ends), tf.concat(parents, axis=1)

    def _select_in_group(self, alive, ended, log_probs, used, position):
        size, vocabulary = log_probs.shape[1:]
        totals = tf.expand_dims(alive.scores, -1) + log_probs
        totals = tf.where(_possible(totals), totals, NEVER)
        ranks = totals - self.diversity_penalty * used
        flat, ranks = self._candidates(ranks, alive.token_ids, position)
        flatten = [-1, size * vocabulary]
        scores = tf.gather(tf.reshape(totals, flatten), flat, batch_dims=1)
        parents, tokens = flat // vocabulary, flat % vocabulary
        gains = tf.gather(tf.reshape(log_probs, flatten), flat, batch_dims=1)
        written = tf.gather(alive.token_ids, parents, batch_dims=1)
        written = write_column(written, position, tokens)
        gained = tf.gather(alive.token_scores, parents, batch_dims=1)
        gained = write_column(gained, position, gains)
        missing = self._missing(written, position + 1)
        # Hypotheses that cannot be completed in time are dropped.
        ranks = tf.where(missing <= written.shape[-1] - position - 1, ranks, NEVER)
        scores = tf.where(_possible(ranks), scores, NEVER)
        extended = DecodingResult(written, scores, gained)
        ends = tf.equal(tokens, self.end_token_id)
        ranks = tf.where(ends, 2 * NEVER, ranks)
        if self.required is not None:
            ranks = _rank_by_banks(ranks, missing, self.required.total)
        _, keep = tf.math.top_k(ranks, k=size)
        live = _take(extended, keep)
        # There may be fewer unfinished hypotheses than beams.
        ended_here = tf.gather(ends, keep, batch_dims=1)
        live = live._replace(scores=tf.where(ended_here, NEVER, live.scores))
        closes = ends & _possible(scores) & tf.equal(missing, 0)
        closing = extended._replace(
            scores=tf.where(closes, scores / self._penalty(position + 1), NEVER)
        )
        parents = tf.gather(parents, keep, batch_dims=1)
        return live, _best((ended, closing), size), parents

    def _candidates(self, ranks, written, position):
        """Candidate extensions of the beams: flat indices, and their ranks."""
        size, vocabulary = ranks.shape[1:]
        # Each beam can end only once, so the best 2 * size candidates contain at
        # least `size` unfinished ones.
        best, flat = top_k(ranks, k=min(2 * size, size * vocabulary))
        if self.required is None:
            return flat, best
        ranks = tf.reshape(ranks, [-1, size * vocabulary])
        wanted = self.required.next_tokens(written, position)
        wanted += tf.expand_dims(tf.range(size) * vocabulary, 1)
        number = size * wanted.shape[-1]
        flat = tf.concat([flat, tf.reshape(wanted, [-1, number])], axis=1)
        ranks = tf.gather(ranks, flat, batch_dims=1)
        return flat, tf.where(_repeats_earlier(flat), NEVER, ranks)

    def _missing(self, written, position):
        """int32 `[rows, beams]`: the number of required tokens that are missing."""
        if self.required is None:
            return tf.zeros_like(written[..., 0])
        return self.required.total - self.required.met(written, position)

    def _penalty(self, length) -> tf.Tensor:
        return ((5.0 + tf.cast(length, tf.float32)) / 6.0) ** self.length_penalty

    def _split(self, beams):
        parts = [tf.split(part, self.num_groups, axis=1) for part in beams]
        return [DecodingResult(*group) for group in zip(*parts, strict=True)]


def top_k(values: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Finds the largest `k` values over the beams of each row, best first.

    Large vocabularies are searched in two stages: the largest `k` values lie in the
    `k` chunks with the largest maxima, and a maximum is much cheaper than a sort.

    Args:
        values: float32 `[rows, beams, tokens]`, `beams` and `tokens` static, and
            `beams * tokens` at least `k`.
        k: int, at least 1.

    Returns:
        Tuple `(values, indices)`, float32 and int32 `[rows, k]`; an index is
        `beam * tokens + token`. Equal values are ordered as by `tf.math.top_k`, the
        first one first.
    """
    beams, tokens = values.shape[1:]
    flat = tf.reshape(values, [-1, beams * tokens])
    number = -(-tokens // CHUNK)
    if tokens <= SHORT or beams * number <= k:
        return tf.math.top_k(flat, k=k)
    maxima = tf.reshape(_chunk_maxima(values), [-1, beams * number])
    _, best = tf.math.top_k(maxima, k=k)
    # Restore the order of the row, which decides between equal values.
    best = tf.expand_dims(tf.sort(best, axis=-1), -1)
    token = best % number * CHUNK + tf.range(CHUNK)
    places = best // number * tokens + tf.minimum(token, tokens - 1)
    inside = tf.gather(flat, places, batch_dims=1)
    inside = tf.where(token < tokens, inside, -float("inf"))
    largest, index = tf.math.top_k(tf.reshape(inside, [-1, k * CHUNK]), k=k)
    places = tf.reshape(places, [-1, k * CHUNK])
    return largest, tf.gather(places, index, batch_dims=1)


def _chunk_maxima(values):
    """The maximum of each chunk, `[rows, beams, chunks]`; the last may be shorter."""
    beams, tokens = values.shape[1:]
    number = tokens // CHUNK
    chunks = tf.reshape(values[..., : number * CHUNK], [-1, beams, number, CHUNK])
    maxima = tf.reduce_max(chunks, axis=-1)
    if tokens % CHUNK == 0:
        return maxima
    rest = tf.reduce_max(values[..., number * CHUNK :], axis=-1, keepdims=True)
    return tf.concat([maxima, rest], axis=-1)


def _possible(scores):
    # Far above the scores of impossible text, far below those of any other.
    return scores > NEVER / 2


def _repeats_earlier(values) -> tf.Tensor:
    """bool `[rows, number]`: which values occur earlier in their row."""
    same = tf.equal(tf.expand_dims(values, 1), tf.expand_dims(values, 2))
    return tf.reduce_any(same & _earlier(values.shape[1]), axis=-1)


def _earlier(number) -> tf.Tensor:
    places = tf.range(number)
    return places < tf.expand_dims(places, 1)


def _rank_by_banks(ranks, missing, total) -> tf.Tensor:
    """Ranks that take beams from the banks in turn, most required tokens first."""
    mine, other = tf.expand_dims(ranks, 2), tf.expand_dims(ranks, 1)
    better = (other > mine) | (tf.equal(other, mine) & _earlier(ranks.shape[1]))
    better &= tf.equal(tf.expand_dims(missing, 1), tf.expand_dims(missing, 2))
    turn = tf.reduce_sum(tf.cast(better, tf.int32), axis=-1)
    turn = turn * (total + 1) + missing
    return tf.where(_possible(ranks), -tf.cast(turn, tf.float32), ranks)


def _without_duplicates(result) -> DecodingResult:
    """Hypotheses best first, with the lowest score for those that repeat a better."""
    ids = result.token_ids
    same = tf.reduce_all(tf.expand_dims(ids, 1) == tf.expand_dims(ids, 2), axis=-1)
    repeated = tf.reduce_any(same & _earlier(ids.shape[1]), axis=-1)
    return result._replace(scores=tf.where(repeated, NEVER, result.scores))


def _join(parts) -> DecodingResult:
    return DecodingResult(
        *(tf.concat(part, axis=1) for part in zip(*parts, strict=True))
    )


def _take(beams, index) -> DecodingResult:
    return DecodingResult(*(tf.gather(part, index, batch_dims=1) for part in beams))


def _best(parts, number) -> DecodingResult:
    return best_first(*_join(parts), number=number)
