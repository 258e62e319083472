import numpy as np
import pytest
import tensorflow as tf

from mmkeras.decoding import RandomSampling, TokenConstraints

START, END, PAD = 1, 2, 0
PROBABILITIES = np.array([0.1, 0.0, 0.15, 0.4, 0.3, 0.05])


def draw(rows=4000, length=1, **options):
    """Samples tokens from `PROBABILITIES`, independently at each position."""
    with np.errstate(divide="ignore"):
        logits = np.maximum(np.log(PROBABILITIES), -1e9).astype("float32")

    def step(token_ids, position, cache, lineage):
        return tf.zeros([*token_ids.shape, 6]) + logits, cache

    sampling = RandomSampling(START, END, PAD, **options)
    run = tf.function(
        lambda: sampling(step, [tf.zeros([rows, 1])], rows, length), autograph=False
    )
    return run()


def frequencies(result):
    return np.bincount(np.ravel(result.token_ids[:, :, 0]), minlength=6) / np.size(
        result.scores
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, PROBABILITIES),
        # The two likeliest, 0.4 and 0.3, are sampled 4 : 3.
        ({"top_k": 2}, [0, 0, 0, 4 / 7, 3 / 7, 0]),
        # 0.4 + 0.3 < 0.75, so 0.15 is kept as well: 0.85 in all.
        ({"top_p": 0.75}, [0, 0, 3 / 17, 8 / 17, 6 / 17, 0]),
        # Squares: 0.01, 0.0225, 0.16, 0.09, 0.0025, with the sum 0.285.
        ({"temperature": 0.5}, np.array([4, 0, 9, 64, 36, 1]) / 114),
        # Of the three likeliest, 8 : 6 : 3, the first two sum to 14/17 = 0.82.
        ({"top_k": 3, "top_p": 0.8}, [0, 0, 0, 4 / 7, 3 / 7, 0]),
        ({"top_p": 1e-6}, [0, 0, 0, 1, 0, 0]),
        ({"top_k": 100}, PROBABILITIES),
    ],
)
def test_frequencies_of_tokens(options, expected):
    # Three standard errors of a frequency in 4,000 samples: 3 · √(¼ / 4000).
    found = frequencies(draw(1, num_sequences=4000, seed=3, **options))
    np.testing.assert_allclose(found, expected, atol=0.0238)
    assert not np.any(found[np.equal(expected, 0)])


def test_constraints_apply_to_samples():
    rules = TokenConstraints(END, forbidden=[(3,)], min_length=1)
    # Without token 3 and the end token: 0.1, 0.3 and 0.05 of 0.45.
    expected = [2 / 9, 0, 0, 0, 6 / 9, 1 / 9]
    np.testing.assert_allclose(
        frequencies(draw(constraints=rules)), expected, atol=0.0238
    )


def test_seeded_rows_are_independent_of_the_batch():
    alone, among = (draw(rows, 8, seed=4).token_ids.numpy() for rows in (1, 3))
    for row in among:
        np.testing.assert_array_equal(row, alone[0])
    # A row ends at once with a probability of 0.15, so a few rows may be equal.
    free = draw(32, 8).token_ids.numpy().tolist()
    assert any(row != free[0] for row in free)


def test_seeds():
    first, again, other = (
        draw(50, 8, seed=seed).token_ids.numpy().tolist() for seed in (1, 1, 2)
    )
    assert first == again != other


def test_calls_differ_without_a_seed():
    sampling = RandomSampling(START, END, PAD)
    logits = tf.zeros([50, 1, 6])

    @tf.function(autograph=False)
    def run():
        return sampling(lambda *state: (logits, state[2]), [logits], 50, 8).token_ids

    assert run().numpy().tolist() != run().numpy().tolist()


def test_samples_of_a_row_differ_and_are_sorted():
    result = draw(1, 6, num_sequences=100, seed=0)
    assert result.token_ids.shape == (1, 100, 6)
    assert np.all(np.diff(result.scores) <= 0)
    assert len({tuple(row) for row in result.token_ids[0].numpy()}) > 50
    # The score is the sum of the log-probabilities up to the end token.
    for ids, score in zip(result.token_ids[0].numpy(), result.scores[0], strict=True):
        ids = ids.tolist()
        text = ids[: ids.index(END) + 1] if END in ids else ids
        expected = np.log(PROBABILITIES[text]).sum()
        assert float(score) == pytest.approx(expected, abs=1e-4)
        assert not any(ids[len(text) :])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0}, "`temperature` must be greater than 0"),
        ({"temperature": float("inf")}, "`temperature` must be greater than 0"),
        ({"top_k": -1}, "`top_k` must be an integer"),
        ({"top_p": 0.0}, "`top_p` must be greater than 0"),
        ({"top_p": 1.1}, "`top_p` must be greater than 0"),
        ({"num_sequences": 0}, "`num_sequences` must be an integer"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        RandomSampling(START, END, PAD, **options)
