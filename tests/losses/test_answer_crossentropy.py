import keras
import numpy as np
import pytest

from mmkeras.losses import AnswerCrossentropy

# softmax of log(p) is p again
LOGITS = np.log(np.array([[[0.5, 0.25, 0.25]]], "float32"))


def loss(scores, **kwargs):
    loss = AnswerCrossentropy(reduction="none", **kwargs)
    return float(loss(np.array([[scores]], "float32"), LOGITS)[0, 0])


def test_one_answer():
    assert loss([1, 0, 0]) == pytest.approx(-np.log(0.5), rel=1e-6)


def test_scores_are_proportions():
    # 0.9 and 0.3 are three quarters and one quarter.
    expected = -(0.75 * np.log(0.5) + 0.25 * np.log(0.25))
    assert loss([0.9, 0.3, 0]) == pytest.approx(expected, rel=1e-6)


def test_question_without_a_known_answer():
    assert loss([0, 0, 0], label_smoothing=0.1) == 0


def test_label_smoothing():
    # 0.7 + 0.1 for the answer, 0.1 for each of the others
    expected = -(0.8 * np.log(0.5) + 0.2 * np.log(0.25))
    assert loss([1, 0, 0], label_smoothing=0.3) == pytest.approx(expected, rel=1e-6)


def test_answer_weights():
    weighted = loss([0, 1, 0], answer_weights=[1.0, 3.0, 1.0])
    assert weighted == pytest.approx(-3 * np.log(0.25), rel=1e-6)


def test_padding_is_ignored():
    scores = np.array([[[1, 0, 0], [0, 0, 0]]], "float32")
    logits = np.repeat(LOGITS, 2, axis=1)
    weights = np.array([[1, 0]], "float32")
    found = float(AnswerCrossentropy()(scores, logits, weights))
    assert found == pytest.approx(-np.log(0.5), rel=1e-6)


def test_config_round_trip():
    loss = AnswerCrossentropy(0.1, [1.0, 2.0])
    config = keras.losses.serialize(loss)
    assert keras.losses.deserialize(config).get_config() == loss.get_config()


def test_label_smoothing_out_of_range():
    with pytest.raises(ValueError, match="label_smoothing=1"):
        AnswerCrossentropy(1.0)
