import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

from mmkeras.decoding import BeamSearch, GreedySearch

START, END, PAD = 1, 2, 0


class TableModel:
    """Logits that depend on the whole history, looked up in a random table.

    The cache holds the history as a number, so a search that mixes up the
    caches of its beams gets other logits.
    """

    def __init__(self, vocabulary, length, seed):
        self.vocabulary = vocabulary
        size = sum(vocabulary**i for i in range(length + 1))
        rng = np.random.default_rng(seed)
        self.table = rng.normal(size=(size, vocabulary), scale=2.0).astype("float32")

    def cache(self, rows, beams=1):
        return [tf.zeros([rows * beams, 1], tf.int32)]

    def step(self, token_ids, position, cache):
        # history * vocabulary + token + 1 numbers every prefix differently.
        moved = cache[0] * self.vocabulary + tf.expand_dims(token_ids, 1) + 1
        history = tf.where(position > 0, moved, cache[0])
        return tf.gather(self.table, history[:, 0]), [history]

    def log_probability(self, sequence):
        history, total = 0, 0.0
        for token in sequence:
            logits = self.table[history].astype("float64")
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
    cache = model.cache(rows, strategy.num_beams)
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
    # 3 tokens go on at each of 4 positions, so 81 beams never drop one.
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


def reference_beam_search(model, beams, alpha, length):
    """The same search in plain Python."""
    alive, ended = [(0.0, ())], []
    for _ in range(length):
        options = [
            (model.log_probability((*s, t)), (*s, t))
            for _, s in alive
            for t in range(model.vocabulary)
        ]
        options.sort(reverse=True)
        options = options[: 2 * beams]
        ended += [(p / penalty(len(s), alpha), s) for p, s in options if s[-1] == END]
        ended = sorted(ended, reverse=True)[:beams]
        alive = [o for o in options if o[1][-1] != END][:beams]
        bound = alive[0][0] / penalty(length, alpha)
        if len(ended) == beams and bound <= ended[-1][0]:
            return ended
    ended += [(p / penalty(length, alpha), s) for p, s in alive]
    return sorted(ended, reverse=True)[:beams]


@pytest.mark.parametrize("beams", [1, 2, 3, 5])
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_narrow_width_equals_plain_python(beams, alpha):
    for seed in range(5):
        model = TableModel(5, 6, seed)
        strategy = BeamSearch(beams, START, END, PAD, length_penalty=alpha)
        result = search(model, strategy, 3, 6)
        expected = reference_beam_search(model, beams, alpha, 6)
        for row in range(3):
            found = [trim(ids) for ids in result.token_ids[row].numpy()]
            assert found == [s for _, s in expected]


def test_greedy_takes_the_likeliest_token_and_stops_at_the_end():
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


def test_an_empty_batch_gives_an_empty_result():
    model = TableModel(5, 6, seed=1)
    for strategy in (GreedySearch(START, END, PAD), BeamSearch(2, START, END, PAD)):
        result = search(model, strategy, 0, 6)
        assert result.token_ids.shape == (0, strategy.num_beams, 6)


@pytest.mark.parametrize("num_beams", [0, -1, 2.0, "4", None])
def test_wrong_num_beams(num_beams):
    with pytest.raises(ValueError, match="`num_beams` must be an integer"):
        BeamSearch(num_beams, START, END, PAD)


def test_negative_length_penalty():
    with pytest.raises(ValueError, match="`length_penalty` must not be negative"):
        BeamSearch(2, START, END, PAD, length_penalty=-1.0)
