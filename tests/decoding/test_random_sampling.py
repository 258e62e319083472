import numpy as np
import pytest
import tensorflow as tf

from mmkeras.decoding import RandomSampling, TokenConstraints

START, END, PAD = 1, 2, 0
PROBABILITIES = np.array([0.1, 0.0, 0.15, 0.4, 0.3, 0.05])


def draw(rows=4000, length=1, **options):
    """Tokens drawn at each position from `PROBABILITIES`, whatever went before."""
    with np.errstate(divide="ignore"):
        logits = np.maximum(np.log(PROBABILITIES), -1e9).astype("float32")

    def step(token_ids, position, cache, lineage):
        return tf.zeros([*token_ids.shape, 6]) + logits, cache

    sampling = RandomSampling(START, END, PAD, **options)
    run = tf.function(
        lambda: sampling(step, [tf.zeros([rows, 1])], rows, length), autograph=False
    )
    return run()


def shares(result):
    return np.bincount(np.ravel(result.token_ids[:, :, 0]), minlength=6) / np.size(
        result.scores
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, PROBABILITIES),
        # The two likeliest, 0.4 and 0.3, are drawn as 4 to 3.
        ({"top_k": 2}, [0, 0, 0, 4 / 7, 3 / 7, 0]),
        # 0.4 + 0.3 is short of 0.75, so that 0.15 is kept too, which makes 0.85.
        ({"top_p": 0.75}, [0, 0, 3 / 17, 8 / 17, 6 / 17, 0]),
        # Squared: 0.01, 0.0225, 0.16, 0.09, 0.0025, in sum 0.285.
        ({"temperature": 0.5}, np.array([4, 0, 9, 64, 36, 1]) / 114),
        # Of the three likeliest, as 8 : 6 : 3, the first two make 14/17 = 0.82.
        ({"top_k": 3, "top_p": 0.8}, [0, 0, 0, 4 / 7, 3 / 7, 0]),
        ({"top_p": 1e-6}, [0, 0, 0, 1, 0, 0]),
        ({"top_k": 100}, PROBABILITIES),
    ],
)
def test_shares_of_the_draws(options, expected):
    # Three standard errors of a share of 4,000 draws are at most 3 · √(¼ / 4000).
    found = shares(draw(1, num_samples=4000, seed=3, **options))
    np.testing.assert_allclose(found, expected, atol=0.0238)
    assert not np.any(found[np.equal(expected, 0)])


def test_constraints_hold_for_draws():
    rules = TokenConstraints(END, forbidden=[(3,)], min_length=1)
    # Without 3 and the end: 0.1, 0.3 and 0.05 of 0.45.
    expected = [2 / 9, 0, 0, 0, 6 / 9, 1 / 9]
    np.testing.assert_allclose(shares(draw(constraints=rules)), expected, atol=0.0238)


def test_with_a_seed_a_row_does_not_depend_on_the_others():
    alone, among = (draw(rows, 8, seed=4).token_ids.numpy() for rows in (1, 3))
    for row in among:
        np.testing.assert_array_equal(row, alone[0])
    # A row ends at once with 0.15, so that a few rows may well be alike.
    free = draw(32, 8).token_ids.numpy().tolist()
    assert any(row != free[0] for row in free)


def test_seeds():
    first, again, other = (
        draw(50, 8, seed=seed).token_ids.numpy().tolist() for seed in (1, 1, 2)
    )
    assert first == again != other


def test_without_a_seed_each_call_draws_anew():
    sampling = RandomSampling(START, END, PAD)
    logits = tf.zeros([50, 1, 6])

    @tf.function(autograph=False)
    def run():
        return sampling(lambda *state: (logits, state[2]), [logits], 50, 8).token_ids

    assert run().numpy().tolist() != run().numpy().tolist()


def test_samples_of_a_row_differ_and_are_in_order():
    result = draw(1, 6, num_samples=100, seed=0)
    assert result.token_ids.shape == (1, 100, 6)
    assert np.all(np.diff(result.scores) <= 0)
    assert len({tuple(row) for row in result.token_ids[0].numpy()}) > 50
    # Scores are the model's own: after the end there is nothing to add.
    for ids, score in zip(result.token_ids[0].numpy(), result.scores[0], strict=True):
        ids = ids.tolist()
        text = ids[: ids.index(END) + 1] if END in ids else ids
        expected = np.log(PROBABILITIES[text]).sum()
        assert float(score) == pytest.approx(expected, abs=1e-4)
        assert not any(ids[len(text) :])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0}, "`temperature` must be above 0"),
        ({"temperature": float("inf")}, "`temperature` must be above 0"),
        ({"top_k": -1}, "`top_k` must be an integer"),
        ({"top_p": 0.0}, "`top_p` must be above 0"),
        ({"top_p": 1.1}, "`top_p` must be above 0"),
        ({"num_samples": 0}, "`num_samples` must be an integer"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        RandomSampling(START, END, PAD, **options)
