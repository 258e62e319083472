from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from mmkeras.decoding.decoding_result import DecodingResult
from mmkeras.decoding.required_tokens import RequiredTokens
from mmkeras.decoding.stepwise_search import best_first, write_column
from mmkeras.decoding.token_constraints import NEVER, TokenConstraints
from mmkeras.decoding.top_k import top_k


class BeamSearch:
    """Keeps the best few hypotheses at each step, in one graph loop.

    A beam that ends is frozen and kept beside the ones that go on, scored with
    the length penalty `((5 + length) / 6) ** length_penalty`. The search stops
    when no beam that goes on can beat the kept ones, or at `max_length`, where
    the unfinished compete as they are.

    Beams never reorder the cache: what each wrote stays where it was written, and a
    table says which of it each hypothesis descends from.

    Diverse groups search side by side. A group chooses its beams by their scores less
    `diversity_penalty` for each beam of the groups before it that goes on with the
    same token at this position; the scores themselves stay the model's.

    With required tokens, beams are sorted by how many of these they have, each goes
    on with what brings it further beside what is likeliest, and the best beam of
    every number is kept before the second best of any, the largest number first. What
    could no longer be whole within `max_length` is dropped.

    Args:
        num_beams: int, hypotheses kept for each row.
        start_token_id: int, fed at position 0.
        end_token_id: int, which ends a hypothesis.
        pad_token_id: int, written after the end.
        length_penalty: float, 0 for none; larger values favour longer text.
        constraints: a `TokenConstraints`, or `None`.
        num_groups: int, a divisor of `num_beams`.
        diversity_penalty: float, at least 0.
        required: a `RequiredTokens`, or `None`.

    Call arguments:
        step, cache, rows, max_length: as `StepwiseSearch` takes them.

    Returns:
        A `DecodingResult` with an `n_best` of `num_beams`. Where there are fewer
        different hypotheses, as when the constraints leave no more or groups have
        found the same, the last are empty, with a score of `-1e9`.

    Raises:
        ValueError: if `num_beams` is not a positive integer or not a multiple of
            `num_groups`, or a penalty is negative.

    Reference:
        - [Wu et al., 2016](https://arxiv.org/abs/1609.08144), equation 14
        - [Vijayakumar et al., 2018](https://arxiv.org/abs/1610.02424) (groups)
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
        if not isinstance(num_beams, int) or num_beams < 1:
            raise ValueError(
                "`num_beams` must be an integer of at least 1. "
                f"Received: num_beams={num_beams!r}."
            )
        if not isinstance(num_groups, int) or num_groups < 1 or num_beams % num_groups:
            raise ValueError(
                "`num_groups` must be an integer that divides `num_beams`, which is "
                f"{num_beams}. Received: num_groups={num_groups!r}."
            )
        for name, value in (
            ("length_penalty", length_penalty),
            ("diversity_penalty", diversity_penalty),
        ):
            if not value >= 0:
                raise ValueError(
                    f"`{name}` must not be negative; 0 turns it off. "
                    f"Received: {name}={value}."
                )
        self.num_beams = num_beams
        self.start_token_id = start_token_id
        self.end_token_id = end_token_id
        self.pad_token_id = pad_token_id
        self.length_penalty = float(length_penalty)
        self.constraints = constraints or TokenConstraints(end_token_id)
        self.num_groups = num_groups
        self.diversity_penalty = float(diversity_penalty)
        self.required = required

    def __call__(
        self, step: Callable, cache, rows: int | tf.Tensor, max_length: int
    ) -> DecodingResult:
        beams = self.num_beams
        own = tf.reshape(tf.eye(beams, dtype=tf.bool), [1, beams, 1, beams])

        def proceed(position, alive, ended, lineage, cache):
            return (position < max_length) & tf.reduce_any(
                self._hopeful(alive, ended, max_length)
            )

        def advance(position, alive, ended, lineage, cache):
            here = tf.equal(tf.range(max_length), position)
            lineage |= own & tf.reshape(here, [1, 1, max_length, 1])
            last = tf.gather(alive.token_ids, tf.maximum(position - 1, 0), axis=2)
            last = tf.where(position > 0, last, self.start_token_id)
            slots = tf.reshape(lineage, [-1, beams, max_length * beams])
            logits, cache = step(last, position, cache, slots)
            log_probs = self.constraints(logits, alive.token_ids, position)
            alive, ended, parents = self._select(alive, ended, log_probs, position)
            lineage = tf.gather(lineage, parents, batch_dims=1)
            return position + 1, alive, ended, lineage, cache

        # All beams of a group begin alike, so that only one of them may go on.
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
        whole = tf.equal(self._missing(alive.token_ids, position), 0)
        whole &= _living(alive.scores)
        unfinished = alive._replace(
            scores=tf.where((position >= max_length) & whole, closed, NEVER)
        )
        kept = [
            _best(part, beams // self.num_groups)
            for part in zip(self._split(ended), self._split(unfinished), strict=True)
        ]
        return self._result(_joined(kept))

    def _result(self, found) -> DecodingResult:
        result = best_first(*found)
        if self.num_groups > 1:
            result = best_first(*_without_repetitions(result))
        living = tf.expand_dims(_living(result.scores), -1)
        return result._replace(
            token_ids=tf.where(living, result.token_ids, self.pad_token_id),
            token_scores=tf.where(living, result.token_scores, 0.0),
        )

    def _hopeful(self, alive, ended, max_length):
        """bool `[rows, groups]`: whether a kept hypothesis may still be beaten."""
        shape = [-1, self.num_groups, self.num_beams // self.num_groups]
        best = tf.reduce_max(tf.reshape(alive.scores, shape), axis=-1)
        worst = tf.reduce_min(tf.reshape(ended.scores, shape), axis=-1)
        # Scores are negative, so the largest divisor bounds what may come.
        return (best / self._penalty(max_length) > worst) & _living(best)

    def _select(self, alive, ended, log_probs, position):
        """The beams after this position, what has ended, and each beam's parent."""
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
        for index, (living, over, scores) in enumerate(groups):
            goes_on, over, parent = self._select_in_group(
                living, over, scores, used, position
            )
            lives.append(goes_on)
            ends.append(over)
            parents.append(parent + index * size)
            if self.diversity_penalty and index + 1 < self.num_groups:
                tokens = tf.gather(goes_on.token_ids, position, axis=2)
                counts = tf.one_hot(tokens, vocabulary)
                counts *= tf.cast(
                    tf.expand_dims(_living(goes_on.scores), -1), tf.float32
                )
                used += tf.reduce_sum(counts, axis=1, keepdims=True)
        return _joined(lives), _joined(ends), tf.concat(parents, axis=1)

    def _select_in_group(self, alive, ended, log_probs, used, position):
        size, vocabulary = log_probs.shape[1:]
        totals = tf.expand_dims(alive.scores, -1) + log_probs
        totals = tf.where(_living(totals), totals, NEVER)
        merits = totals - self.diversity_penalty * used
        flat, merits = self._candidates(merits, alive.token_ids, position)
        flatten = [-1, size * vocabulary]
        scores = tf.gather(tf.reshape(totals, flatten), flat, batch_dims=1)
        parents, tokens = flat // vocabulary, flat % vocabulary
        gains = tf.gather(tf.reshape(log_probs, flatten), flat, batch_dims=1)
        written = tf.gather(alive.token_ids, parents, batch_dims=1)
        written = write_column(written, position, tokens)
        gained = tf.gather(alive.token_scores, parents, batch_dims=1)
        gained = write_column(gained, position, gains)
        missing = self._missing(written, position + 1)
        # What could no longer be whole is dropped.
        merits = tf.where(missing <= written.shape[-1] - position - 1, merits, NEVER)
        scores = tf.where(_living(merits), scores, NEVER)
        extended = DecodingResult(written, scores, gained)
        ends = tf.equal(tokens, self.end_token_id)
        merits = tf.where(ends, 2 * NEVER, merits)
        if self.required is not None:
            merits = _by_turns(merits, missing, self.required.total)
        _, keep = tf.math.top_k(merits, k=size)
        goes_on = _take(extended, keep)
        # There may be less that goes on than beams.
        over = tf.gather(ends, keep, batch_dims=1)
        goes_on = goes_on._replace(scores=tf.where(over, NEVER, goes_on.scores))
        closes = ends & _living(scores) & tf.equal(missing, 0)
        closing = extended._replace(
            scores=tf.where(closes, scores / self._penalty(position + 1), NEVER)
        )
        parents = tf.gather(parents, keep, batch_dims=1)
        return goes_on, _best((ended, closing), size), parents

    def _candidates(self, merits, written, position):
        """What the beams may go on with: flat indices, and their merits."""
        size, vocabulary = merits.shape[1:]
        # Each beam can end only once, so the best 2 × beams hold at least as many
        # that go on as are needed.
        best, flat = top_k(merits, k=min(2 * size, size * vocabulary))
        if self.required is None:
            return flat, best
        merits = tf.reshape(merits, [-1, size * vocabulary])
        wanted = self.required.next_tokens(written, position)
        wanted += tf.expand_dims(tf.range(size) * vocabulary, 1)
        number = size * wanted.shape[-1]
        flat = tf.concat([flat, tf.reshape(wanted, [-1, number])], axis=1)
        merits = tf.gather(merits, flat, batch_dims=1)
        return flat, tf.where(_repeated(flat), NEVER, merits)

    def _missing(self, written, position):
        """int32 `[rows, beams]`: how many of the required tokens are not there."""
        if self.required is None:
            return tf.zeros_like(written[..., 0])
        return self.required.total - self.required.met(written, position)

    def _penalty(self, length) -> tf.Tensor:
        return ((5.0 + tf.cast(length, tf.float32)) / 6.0) ** self.length_penalty

    def _split(self, beams):
        parts = [tf.split(part, self.num_groups, axis=1) for part in beams]
        return [DecodingResult(*group) for group in zip(*parts, strict=True)]


def _living(scores):
    # Far above what no text can reach, far below what any text has.
    return scores > NEVER / 2


def _repeated(values) -> tf.Tensor:
    """bool `[rows, number]`: which values stand before in their row already."""
    same = tf.equal(tf.expand_dims(values, 1), tf.expand_dims(values, 2))
    return tf.reduce_any(same & _earlier(values.shape[1]), axis=-1)


def _earlier(number) -> tf.Tensor:
    places = tf.range(number)
    return places < tf.expand_dims(places, 1)


def _by_turns(merits, missing, total) -> tf.Tensor:
    """Merits by which each stage has its turn, the last first; its best first."""
    mine, other = tf.expand_dims(merits, 2), tf.expand_dims(merits, 1)
    better = (other > mine) | (tf.equal(other, mine) & _earlier(merits.shape[1]))
    better &= tf.equal(tf.expand_dims(missing, 1), tf.expand_dims(missing, 2))
    turn = tf.reduce_sum(tf.cast(better, tf.int32), axis=-1)
    turn = turn * (total + 1) + missing
    return tf.where(_living(merits), -tf.cast(turn, tf.float32), merits)


def _without_repetitions(result) -> DecodingResult:
    """Hypotheses best first, those that an earlier one equals with the least score."""
    ids = result.token_ids
    same = tf.reduce_all(tf.expand_dims(ids, 1) == tf.expand_dims(ids, 2), axis=-1)
    repeated = tf.reduce_any(same & _earlier(ids.shape[1]), axis=-1)
    return result._replace(scores=tf.where(repeated, NEVER, result.scores))


def _joined(parts) -> DecodingResult:
    return DecodingResult(
        *(tf.concat(part, axis=1) for part in zip(*parts, strict=True))
    )


def _take(beams, index) -> DecodingResult:
    return DecodingResult(*(tf.gather(part, index, batch_dims=1) for part in beams))


def _best(parts, number) -> DecodingResult:
    return best_first(*_joined(parts), number=number)
