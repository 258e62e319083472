import keras
import numpy as np
import pytest

from mmkeras.losses import SoftScoreCrossentropy

# Sigmoid of ln 3 is 3/4, of 0 it is 1/2; softmax of (ln 3, 0) is (3/4, 1/4).
LOGITS = np.array([[[np.log(3), 0.0], [0.0, 0.0]]], "float32")
SCORES = np.array([[[0.6, 0.0], [0.0, 0.0]]], "float32")


def test_sigmoid():
    # First question: -(0.6 ln 3/4 + 0.4 ln 1/4) - ln 1/2
    #   = 0.172609 + 0.554518 + 0.693147 = 1.420274; second: 2 ln 2 = 1.386294.
    loss = SoftScoreCrossentropy(reduction=None)(SCORES, LOGITS)
    assert np.ravel(loss) == pytest.approx([1.420274, 1.386294], abs=1e-5)
    assert float(SoftScoreCrossentropy()(SCORES, LOGITS)) == pytest.approx(
        (1.420274 + 1.386294) / 2, abs=1e-5
    )


def test_softmax():
    # -0.6 ln 3/4 = 0.172609; a question without a known answer has none.
    loss = SoftScoreCrossentropy("softmax", reduction=None)(SCORES, LOGITS)
    assert np.ravel(loss) == pytest.approx([0.172609, 0], abs=1e-5)


def test_padding_is_ignored():
    loss = SoftScoreCrossentropy()(SCORES, LOGITS, sample_weight=[[1.0, 0.0]])
    assert float(loss) == pytest.approx(1.420274, abs=1e-5)


def test_keras_mask():
    logits = keras.ops.convert_to_tensor(LOGITS)
    keras.src.backend.set_keras_mask(logits, np.array([[True, False]]))
    loss = SoftScoreCrossentropy()(SCORES, logits)
    assert float(loss) == pytest.approx(1.420274, abs=1e-5)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_probabilities(activation):
    probabilities = getattr(keras.ops, activation)(LOGITS)
    loss = SoftScoreCrossentropy(activation, from_logits=False)(SCORES, probabilities)
    expected = SoftScoreCrossentropy(activation)(SCORES, LOGITS)
    assert float(loss) == pytest.approx(float(expected), abs=1e-5)
    sure = SoftScoreCrossentropy(activation, from_logits=False)([[1.0, 0]], [[0.0, 1]])
    assert np.isfinite(float(sure))


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_large_logits_and_half_precision(activation):
    # Wrong by 100 either way: 100 for the answer and, for the sigmoid, 100 for the
    # other one.
    logits = np.array([[-100.0, 100.0]], "float16")
    if activation == "softmax":
        logits = logits / 2
    loss = SoftScoreCrossentropy(activation)([[1.0, 0.0]], logits)
    assert float(loss) == pytest.approx(200 if activation == "sigmoid" else 100)


def test_config_and_wrong_activation():
    loss = SoftScoreCrossentropy("softmax", from_logits=False)
    again = SoftScoreCrossentropy.from_config(loss.get_config())
    assert (again.activation, again.from_logits) == ("softmax", False)
    with pytest.raises(ValueError, match="'sigmoid' or 'softmax'.*activation='relu'"):
        SoftScoreCrossentropy("relu")
