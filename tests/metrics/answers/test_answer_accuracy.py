import numpy as np
import pytest

from mmkeras.metrics import AnswerAccuracy

LOGITS = np.array([[[3, 1, 0], [0, 1, 3], [1, 0, 0]]], "float32")


def test_right_answers():
    scores = np.array([[[1, 0, 0], [1, 0, 0], [1, 0, 0]]], "float32")
    metric = AnswerAccuracy()
    metric.update_state(scores, LOGITS)
    assert float(metric.result()) == pytest.approx(2 / 3)


def test_soft_scores_and_padding():
    # 0.9 for the first, 0.3 for the second, the third is padding.
    scores = np.array([[[0.9, 0, 0], [0.6, 0, 0.3], [0, 0, 0]]], "float32")
    metric = AnswerAccuracy()
    metric.update_state(scores, LOGITS, np.array([[1, 1, 0]], "float32"))
    assert float(metric.result()) == pytest.approx(0.6)


def test_reset():
    metric = AnswerAccuracy()
    metric.update_state(np.ones((1, 1, 3)), LOGITS[:, :1])
    metric.reset_state()
    assert float(metric.result()) == 0
