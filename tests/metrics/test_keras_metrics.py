import keras
import numpy as np
import pytest
import tensorflow as tf

from mmkeras.metrics import (
    ExpectedCalibrationError,
    RetrievalRecall,
    calibration_error,
    retrieval_scores,
)


def test_calibration_under_a_strategy_equals_that_in_numpy():
    draw = np.random.default_rng(0)
    logits = draw.normal(size=(32, 3)).astype("float32")
    labels = draw.integers(0, 3, 32)
    inputs = keras.Input((3,))
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        model = keras.Model(inputs, keras.layers.Identity()(inputs))
        model.compile(
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=[],
            weighted_metrics=[ExpectedCalibrationError(bins=5, from_logits=True)],
        )
    weights = np.repeat([1.0, 0.0], 16)
    results = model.evaluate(
        logits, labels, batch_size=8, sample_weight=weights, verbose=0, return_dict=True
    )
    probabilities = tf.nn.softmax(logits[:16]).numpy()
    expected = calibration_error(labels[:16], probabilities, 5)
    assert results["expected_calibration_error"] == pytest.approx(expected, abs=1e-5)


def test_recall_equals_that_in_numpy():
    similarity = np.random.default_rng(1).normal(size=(8, 8))
    metric = RetrievalRecall(3)
    metric.update_state(None, similarity)
    assert metric.name == "recall_at_3"
    expected = retrieval_scores(similarity, ks=(3,))["Recall@3"]
    assert float(metric.result()) == pytest.approx(expected)
    metric.reset_state()
    metric.update_state(None, np.zeros((4, 4)))
    assert float(metric.result()) == 0
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(metric)
    )
    assert again.k == 3
