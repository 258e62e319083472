import numpy as np
import pytest

from mmkeras.metrics import TokenAccuracy


def logits(ids):
    return np.eye(5, dtype="float32")[ids]


def test_every_token_counts_the_same():
    metric = TokenAccuracy()
    # 1 of 2 tokens, beside 6 of padding.
    metric.update_state(
        np.array([[3, 4, 0, 0], [0, 0, 0, 0]]),
        logits([[3, 1, 0, 0], [0, 0, 0, 0]]),
        np.array([[1, 1, 0, 0], [0, 0, 0, 0]]),
    )
    assert float(metric.result()) == 0.5
    # 4 of 5 without padding, one of them with a weight of 2: (1 + 5) / (2 + 6).
    metric.update_state(
        np.array([[1, 2, 3, 4, 1]]), logits([[1, 2, 3, 4, 2]]), [[2.0, 1, 1, 1, 1]]
    )
    assert float(metric.result()) == pytest.approx(6 / 8)
    metric.reset_state()
    assert float(metric.result()) == 0
    metric.update_state(np.array([[1, 2]]), logits([[1, 1]]))
    assert float(metric.result()) == 0.5
