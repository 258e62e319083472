import numpy as np
import pytest

from mmkeras.losses import MaskedCrossentropy
from mmkeras.metrics import Perplexity

# Softmax of (ln 1, ln 3) is (1/4, 3/4), of (0, 0) it is (1/2, 1/2).
LOGITS = np.array([[[0.0, np.log(3.0)], [0.0, 0.0]]], "float32")
TARGETS = np.array([[1, 0]], "int32")


def test_without_smoothing():
    # -(ln 3/4 + ln 1/2) / 2 = (0.287682 + 0.693147) / 2
    loss = MaskedCrossentropy()(TARGETS, LOGITS)
    assert float(loss) == pytest.approx(0.490415, abs=1e-5)


def test_padding_is_ignored():
    loss = MaskedCrossentropy()(TARGETS, LOGITS, sample_weight=[[1.0, 0.0]])
    assert float(loss) == pytest.approx(0.287682, abs=1e-5)


def test_label_smoothing():
    # Target 0.9 + 0.05 on token 1 and 0.05 on token 0:
    # -(0.95 ln 3/4 + 0.05 ln 1/4) = 0.273298 + 0.069315
    loss = MaskedCrossentropy(0.1)(TARGETS, LOGITS, sample_weight=[[1.0, 0.0]])
    assert float(loss) == pytest.approx(0.342613, abs=1e-5)


def test_perplexity_over_batches():
    metric = Perplexity()
    metric.update_state(TARGETS, LOGITS, sample_weight=[[1.0, 0.0]])
    metric.update_state(TARGETS, LOGITS, sample_weight=[[0.0, 1.0]])
    # exp of the mean of 0.287682 and 0.693147, i.e. 1 / sqrt(3/4 · 1/2)
    assert float(metric.result()) == pytest.approx(1.632993, abs=1e-4)
    metric.reset_state()
    assert float(metric.count) == 0


@pytest.mark.parametrize("value", [-0.1, 1.0])
def test_wrong_smoothing(value):
    with pytest.raises(ValueError, match="`label_smoothing`"):
        MaskedCrossentropy(value)
