import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

from mmkeras.decoding import (
    BeamSearch,
    GreedySearch,
    RandomSampling,
    RequiredTokens,
    TokenConstraints,
)

START, END, PAD = 1, 2, 0


class TableModel:
    """Logits that depend on the whole history, looked up in a random table.

    The cache holds the tokens where they were written, so a search with a wrong
    lineage gets different logits.
    """

    def __init__(self, vocabulary, length, seed):
        self.vocabulary = vocabulary
        size = sum(vocabulary**i for i in range(length + 1))
        rng = np.random.default_rng(seed)
        self.table = rng.normal(size=(size, vocabulary), scale=2.0).astype("float32")

    def cache(self, rows, beams, length):
        return [tf.zeros([rows, length * beams], tf.int32)]

    def step(self, token_ids, position, cache, lineage):
        rows, beams = tf.shape(cache[0])[0], token_ids.shape[1]
        length = cache[0].shape[1] // beams
        slots = tf.reshape(cache[0], [-1, length, beams])
        here = tf.reshape(tf.equal(tf.range(length), position), [1, length, 1])
        slots = tf.where(here, tf.expand_dims(token_ids, 1), slots)
        past = tf.reshape(lineage, [-1, beams, length, beams])
        # One slot of each position so far, none of later positions.
        tf.debugging.assert_equal(
            tf.reduce_sum(tf.cast(past, tf.int32), axis=3),
            tf.cast(tf.range(length) <= position, tf.int32)
            + tf.zeros([tf.shape(past)[0], beams, length], tf.int32),
        )
        tokens = tf.expand_dims(slots, 1) * tf.cast(past, tf.int32)
        tokens = tf.reduce_sum(tokens, axis=3)
        # history * vocabulary + token + 1 numbers every prefix differently.
        history = tf.zeros([rows, beams], tf.int32)
        for place in range(1, length):
            moved = history * self.vocabulary + tokens[:, :, place] + 1
            history = tf.where(place <= position, moved, history)
        return tf.gather(self.table, history), [tf.reshape(slots, tf.shape(cache[0]))]

    def log_probability(self, sequence, repetition=1.0):
        history, total = 0, 0.0
        for place, token in enumerate(sequence):
            logits = self.table[history].astype("float64")
            written = list(set(sequence[:place]))
            lowered = logits[written]
            logits[written] = np.where(
                lowered > 0, lowered / repetition, lowered * repetition
            )
            total += logits[token] - math.log(np.exp(logits).sum())
            history = history * self.vocabulary + token + 1
        return total

    def sequences(self, length):
        """Every sequence that ends, or that is cut at `length`."""
        others = [t for t in range(self.vocabulary) if t != END]
        for n in range(length):
            for body in itertools.product(others, repeat=n):
                yield (*body, END)
        yield from itertools.product(others, repeat=length)


def penalty(length, alpha):
    return ((5 + length) / 6) ** alpha


def search(model, strategy, rows, length):
    cache = model.cache(rows, strategy.num_beams, length)
    run = tf.function(
        lambda: strategy(model.step, cache, rows, length), autograph=False
    )
    return run()


def trim(ids):
    ids = list(map(int, ids))
    return tuple(ids[: ids.index(END) + 1] if END in ids else ids)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(4))
def test_exhaustive_width_equals_brute_force(alpha, seed):
    length, vocabulary = 4, 4
    model = TableModel(vocabulary, length, seed)
    # 3 tokens other than END at each of 4 positions: 81 beams never drop one.
    strategy = BeamSearch(81, START, END, PAD, length_penalty=alpha)
    result = search(model, strategy, 1, length)
    scored = [
        (model.log_probability(s) / penalty(len(s), alpha), s)
        for s in model.sequences(length)
    ]
    scored.sort(reverse=True)
    for rank in range(10):
        score, sequence = scored[rank]
        assert trim(result.token_ids[0, rank].numpy()) == sequence
        assert float(result.scores[0, rank]) == pytest.approx(score, abs=1e-4)


def n_grams(sequence, size):
    return [sequence[i : i + size] for i in range(len(sequence) - size + 1)]


# Options, and whether a sequence satisfies them.
RULES = {
    "min_length": (
        {"min_length": 3},
        lambda s: END not in s[:3],
    ),
    "no_repeated_tokens": (
        {"no_repeat_ngram_size": 1},
        lambda s: len(set(s)) == len(s),
    ),
    "no_repeated_pairs": (
        {"no_repeat_ngram_size": 2},
        lambda s: len(set(n_grams(s, 2))) == len(n_grams(s, 2)),
    ),
    "forbidden": (
        {"forbidden": [(3,), (0, 1)]},
        lambda s: 3 not in s and (0, 1) not in n_grams(s, 2),
    ),
    "together": (
        {"min_length": 2, "no_repeat_ngram_size": 2, "forbidden": [(0, 1)]},
        lambda s: (
            END not in s[:2]
            and len(set(n_grams(s, 2))) == len(n_grams(s, 2))
            and (0, 1) not in n_grams(s, 2)
        ),
    ),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("groups", [1, 3])
def test_constraints_at_exhaustive_width_equal_brute_force(rule, groups):
    options, keeps = RULES[rule]
    length = 4
    model = TableModel(4, length, seed=7)
    strategy = BeamSearch(
        81 * groups,
        START,
        END,
        PAD,
        length_penalty=0.7,
        constraints=TokenConstraints(END, **options),
        num_groups=groups,
    )
    result = search(model, strategy, 1, length)
    scored = [
        (model.log_probability(s) / penalty(len(s), 0.7), s)
        for s in model.sequences(length)
        if keeps(s)
    ]
    # Without a diversity penalty all groups find the same; duplicates are removed.
    scored.sort(reverse=True)
    for rank in range(min(10, len(scored))):
        score, sequence = scored[rank]
        assert trim(result.token_ids[0, rank].numpy()) == sequence
        assert float(result.scores[0, rank]) == pytest.approx(score, abs=1e-4)
    # The remaining sequences are empty.
    for rank in range(len(scored), strategy.num_beams):
        assert not np.any(result.token_ids[0, rank])
        assert float(result.scores[0, rank]) < -1e8


@pytest.mark.parametrize("groups", [1, 3])
def test_a_repetition_penalty_at_exhaustive_width_equals_brute_force(groups):
    length = 4
    model = TableModel(4, length, seed=7)
    constraints = TokenConstraints(END, repetition_penalty=1.7)
    strategy = BeamSearch(
        81 * groups, START, END, PAD, constraints=constraints, num_groups=groups
    )
    result = search(model, strategy, 1, length)
    scored = sorted(
        ((model.log_probability(s, 1.7), s) for s in model.sequences(length)),
        reverse=True,
    )
    plain = sorted(model.sequences(length), key=model.log_probability, reverse=True)
    assert [sequence for _, sequence in scored[:10]] != plain[:10]
    for rank in range(10):
        score, sequence = scored[rank]
        assert trim(result.token_ids[0, rank].numpy()) == sequence
        assert float(result.scores[0, rank]) == pytest.approx(score, abs=1e-4)


def steps_taken(strategy, logits, length):
    """The number of steps of a search over rows with constant logits."""
    steps = tf.Variable(0)

    def step(token_ids, position, cache, lineage):
        steps.assign_add(1)
        same = tf.zeros_like(token_ids, tf.float32)[..., tf.newaxis]
        return same + tf.constant(logits), cache

    cache = [tf.zeros([2, 1])]
    tf.function(lambda: strategy(step, cache, 2, length), autograph=False)()
    return int(steps)


@pytest.mark.parametrize(
    ("strategy", "steps"),
    [
        (GreedySearch(START, END, PAD), 1),
        # One beam ends in the first step, the other two in the second.
        (BeamSearch(3, START, END, PAD), 2),
        (RandomSampling(START, END, PAD, num_sequences=2, seed=0), 1),
    ],
)
def test_early_stopping(strategy, steps):
    # The end token has all but e^-50 of the probability: nothing can beat it.
    assert steps_taken(strategy, [0.0, 0.0, 50.0, 0.0, 0.0], length=9) == steps
    # The end token has none, so all positions are written.
    assert steps_taken(strategy, [0.0, 0.0, -50.0, 0.0, 0.0], length=9) == 9


def test_token_scores_sum_to_scores():
    model = TableModel(5, 6, seed=3)
    for strategy in (
        GreedySearch(START, END, PAD),
        BeamSearch(4, START, END, PAD),
        RandomSampling(START, END, PAD, num_sequences=3, seed=0),
    ):
        result = search(model, strategy, 2, 6)
        for ids, score, gains in zip(
            *(np.reshape(part, (-1, *part.shape[2:])) for part in result), strict=True
        ):
            sequence = trim(ids)
            for place in range(6):
                expected = 0.0
                if place < len(sequence):
                    expected = model.log_probability(sequence[: place + 1])
                    expected -= model.log_probability(sequence[:place])
                assert gains[place] == pytest.approx(expected, abs=1e-4)
            assert np.sum(gains) == pytest.approx(score, abs=1e-4)


def reference_group(model, alive, ended, size, alpha, length, position, cost, keeps):
    """A step of one group in plain Python: unfinished and finished hypotheses."""
    options = [
        (p + model.log_probability((*s, t)) - model.log_probability(s), (*s, t))
        for p, s in alive
        for t in range(model.vocabulary)
        if keeps((*s, t))
    ]
    options.sort(key=lambda o: o[0] - cost.get(o[1][-1], 0.0), reverse=True)
    options = options[: 2 * size]
    finished = [
        (p / penalty(position + 1, alpha), s) for p, s in options if s[-1] == END
    ]
    unfinished = [o for o in options if o[1][-1] != END][:size]
    return unfinished, sorted(ended + finished, reverse=True)[:size]


def reference_beam_search(
    model, beams, alpha, length, groups=1, diversity=0.0, keeps=lambda s: True
):
    """The same search in plain Python."""
    size = beams // groups
    alive, ended = [[(0.0, ())] for _ in range(groups)], [[] for _ in range(groups)]
    for position in range(length):
        cost: dict[int, float] = {}
        for g in range(groups):
            alive[g], ended[g] = reference_group(
                model, alive[g], ended[g], size, alpha, length, position, cost, keeps
            )
            for _, s in alive[g]:
                cost[s[-1]] = cost.get(s[-1], 0.0) + diversity
        if not any(
            alive[g]
            and (
                len(ended[g]) < size
                or max(alive[g])[0] / penalty(length, alpha) > ended[g][-1][0]
            )
            for g in range(groups)
        ):
            break
    else:
        for g in range(groups):
            ended[g] += [(p / penalty(length, alpha), s) for p, s in alive[g]]
            ended[g] = sorted(ended[g], reverse=True)[:size]
    return sorted(set(sum(ended, [])), reverse=True)


def assert_equals_reference(model, strategy, expected, rows=3, length=6):
    result = search(model, strategy, rows, length)
    for row in range(rows):
        found = [trim(ids) for ids in result.token_ids[row].numpy()]
        assert found[: len(expected)] == [s for _, s in expected]
        scores = [score for score, _ in expected]
        np.testing.assert_allclose(result.scores[row][: len(scores)], scores, atol=1e-4)
        # A hypothesis that two groups found occurs once; the rest is empty.
        assert not np.any(result.token_ids[row, len(expected) :])


@pytest.mark.parametrize("beams", [1, 2, 3, 5])
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_narrow_width_equals_plain_python(beams, alpha):
    for seed in range(5):
        model = TableModel(5, 6, seed)
        strategy = BeamSearch(beams, START, END, PAD, length_penalty=alpha)
        expected = reference_beam_search(model, beams, alpha, 6)
        assert_equals_reference(model, strategy, expected)


@pytest.mark.parametrize(("beams", "groups"), [(2, 2), (4, 2), (6, 2), (6, 3)])
@pytest.mark.parametrize("diversity", [0.3, 2.0])
def test_groups_equal_plain_python(beams, groups, diversity):
    for seed in range(4):
        model = TableModel(5, 6, seed)
        strategy = BeamSearch(
            beams, START, END, PAD, 0.5, None, groups, diversity_penalty=diversity
        )
        expected = reference_beam_search(model, beams, 0.5, 6, groups, diversity)
        assert_equals_reference(model, strategy, expected)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("beams", "groups"), [(1, 1), (3, 1), (4, 2)])
def test_constraints_at_narrow_width_equal_plain_python(rule, beams, groups):
    options, keeps = RULES[rule]
    for seed in range(3):
        model = TableModel(5, 5, seed)
        strategy = BeamSearch(
            beams,
            START,
            END,
            PAD,
            1.0,
            TokenConstraints(END, **options),
            groups,
            diversity_penalty=0.5,
        )
        diversity = 0.5 if groups > 1 else 0.0
        expected = reference_beam_search(model, beams, 1.0, 5, groups, diversity, keeps)
        assert_equals_reference(model, strategy, expected, rows=2, length=5)


# Required sequences; 3 continues the word before it, as "##s" does. The sequences do
# not overlap.
REQUIRED = {
    "a_token": [(1,)],
    "a_pair": [(4, 0)],
    "two": [(1,), (4, 4)],
    "twice_the_same_token": [(0, 0)],
}


def contains(sequence, tokens):
    places = range(len(sequence) - len(tokens) + 1)
    return any(
        sequence[i : i + len(tokens)] == tokens
        and sequence[i + len(tokens) : i + len(tokens) + 1] != (3,)
        for i in places
    )


def stage(sequence, required):
    """The number of required tokens, including those of the incomplete sequence."""
    missing = [tokens for tokens in required if not contains(sequence, tokens)]
    begun = [
        size
        for tokens in missing
        for size in range(1, len(tokens))
        if sequence[-size:] == tokens[:size]
    ]
    complete = sum(map(len, required)) - sum(map(len, missing))
    return complete + max(begun, default=0)


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("groups", [1, 2])
def test_required_tokens_at_exhaustive_width_equal_brute_force(name, groups):
    length, required = 4, REQUIRED[name]
    model = TableModel(5, length, seed=11)
    # 4 tokens other than END at each of 4 positions: 256 beams never drop one.
    strategy = BeamSearch(
        256 * groups,
        START,
        END,
        PAD,
        length_penalty=0.7,
        num_groups=groups,
        required=RequiredTokens(required, [3]),
    )
    result = search(model, strategy, 1, length)
    scored = [
        (model.log_probability(s) / penalty(len(s), 0.7), s)
        for s in model.sequences(length)
        if all(contains(s, tokens) for tokens in required)
    ]
    scored.sort(reverse=True)
    assert scored
    for rank in range(min(10, len(scored))):
        score, sequence = scored[rank]
        assert trim(result.token_ids[0, rank].numpy()) == sequence
        assert float(result.scores[0, rank]) == pytest.approx(score, abs=1e-4)
    for rank in range(len(scored), strategy.num_beams):
        assert not np.any(result.token_ids[0, rank])


def reference_required_search(model, beams, alpha, length, required):
    """Beam search with banks in plain Python."""
    total = sum(map(len, required))
    alive, ended = [(0.0, ())], []

    def in_turn(options):
        found = []
        for at in range(total + 1):
            mine = [o for o in options if stage(o[1], required) == at]
            found += [(turn, -at, o) for turn, o in enumerate(mine)]
        return [o for _, _, o in sorted(found, key=lambda f: f[:2])]

    for position in range(length):
        options = [
            (p + model.log_probability((*s, t)) - model.log_probability(s), (*s, t))
            for p, s in alive
            for t in range(model.vocabulary)
        ]
        options.sort(reverse=True)
        likely, left = options[: 2 * beams], options[2 * beams :]
        likely += [o for o in left if o[1][-1] in wanted(o[1][:-1], required)]
        finished = [
            (p / penalty(position + 1, alpha), s)
            for p, s in likely
            if s[-1] == END and stage(s, required) == total
        ]
        unfinished = [
            (p, s)
            for p, s in likely
            if s[-1] != END and total - stage(s, required) <= length - position - 1
        ]
        alive = in_turn(unfinished)[:beams]
        ended = sorted(ended + finished, reverse=True)[:beams]
        best = max(alive, default=(-1e9,))[0] / penalty(length, alpha)
        if not alive or (len(ended) == beams and best <= ended[-1][0]):
            return ended
    ended += [
        (p / penalty(length, alpha), s) for p, s in alive if stage(s, required) == total
    ]
    return sorted(ended, reverse=True)[:beams]


def wanted(sequence, required):
    """The token of each sequence after its longest prefix that the text ends with."""
    found = set()
    for tokens in required:
        size = max(
            n for n in range(len(tokens)) if n == 0 or sequence[-n:] == tokens[:n]
        )
        found.add(tokens[size])
    return found


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("beams", [1, 2, 3, 5])
def test_required_tokens_at_narrow_width_equal_plain_python(name, beams):
    required = REQUIRED[name]
    for seed in range(4):
        model = TableModel(5, 6, seed)
        strategy = BeamSearch(
            beams, START, END, PAD, 1.0, required=RequiredTokens(required, [3])
        )
        expected = reference_required_search(model, beams, 1.0, 6, required)
        # Even a single beam satisfies the requirement.
        assert expected
        assert_equals_reference(model, strategy, expected, rows=2)


def test_empty_required_sequence():
    with pytest.raises(ValueError, match="must not be empty"):
        RequiredTokens([(1,), ()])


def test_greedy_search_by_hand():
    model = TableModel(5, 6, seed=1)
    result = search(model, GreedySearch(START, END, PAD), 2, 6)
    expected = []
    while len(expected) < 6 and END not in expected:
        options = [model.log_probability((*expected, t)) for t in range(5)]
        expected.append(int(np.argmax(options)))
    ids = result.token_ids.numpy()
    assert ids.shape == (2, 1, 6)
    for row in ids[:, 0]:
        assert trim(row) == tuple(expected)
        assert not any(row[len(expected) :])
    score = model.log_probability(expected)
    np.testing.assert_allclose(result.scores, [[score], [score]], rtol=1e-4)


def test_empty_batch():
    model = TableModel(5, 6, seed=1)
    for strategy in (GreedySearch(START, END, PAD), BeamSearch(2, START, END, PAD)):
        result = search(model, strategy, 0, 6)
        assert result.token_ids.shape == (0, strategy.num_beams, 6)


@pytest.mark.parametrize("num_beams", [0, -1, 2.0, "4", None])
def test_wrong_num_beams(num_beams):
    with pytest.raises(ValueError, match="`num_beams` must be an integer"):
        BeamSearch(num_beams, START, END, PAD)


@pytest.mark.parametrize(
    ("num_groups", "message"),
    [
        (0, "`num_groups` must be an integer of at least 1"),
        (1.0, "`num_groups` must be an integer of at least 1"),
        (3, "`num_groups` must be an integer that divides `num_beams`, which is 4"),
    ],
)
def test_wrong_num_groups(num_groups, message):
    with pytest.raises(ValueError, match=message):
        BeamSearch(4, START, END, PAD, num_groups=num_groups)


@pytest.mark.parametrize("name", ["length_penalty", "diversity_penalty"])
@pytest.mark.parametrize("value", [-1.0, float("nan")])
def test_wrong_penalty(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be at least 0"):
        BeamSearch(2, START, END, PAD, **{name: value})
