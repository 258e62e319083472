import numpy as np
import pytest

from mmkeras.metrics import (
    calibration_error,
    caption_statistics,
    chair,
    classification_scores,
    combine_predictions,
    confidence_interval,
    exact_match,
    paired_bootstrap,
    regression_errors,
    retrieval_scores,
)


def test_retrieval_of_several_captions():
    # Query 0 has items 0 and 1, at ranks 1 and 3; query 1 has item 2, at rank 2.
    similarity = np.array([[0.9, 0.1, 0.5], [0.2, 0.8, 0.4]])
    scores = retrieval_scores(similarity, [[0, 1], [2]], ks=(1, 2))
    assert scores == {
        "Recall@1": 0.5,
        "Recall@2": 1.0,
        "median_rank": 1.5,
        "MRR": (1 + 1 / 2) / 2,
        # (1/1 + 2/3) / 2 and 1/2.
        "mAP": pytest.approx(((1 + 2 / 3) / 2 + 1 / 2) / 2),
    }


def test_equal_scores_retrieve_nothing():
    assert retrieval_scores(np.zeros((4, 4)), ks=(1, 3))["Recall@3"] == 0


def test_classification():
    labels = np.array([0, 0, 1, 2])
    probabilities = np.array(
        [[0.8, 0.2, 0.0], [0.4, 0.6, 0.0], [0.1, 0.9, 0.0], [0.6, 0.3, 0.1]]
    )
    # Predicted: 0, 1, 1, 0. Precision 1/2, 1/2, 0; recall 1/2, 1, 0; F1 1/2, 2/3, 0.
    scores = classification_scores(labels, probabilities, bins=10)
    assert scores["accuracy"] == scores["f1_micro"] == 0.5
    assert scores["precision_macro"] == pytest.approx(1 / 3)
    assert scores["recall_macro"] == pytest.approx(1 / 2)
    assert scores["f1_macro"] == pytest.approx((1 / 2 + 2 / 3) / 3)
    # Bins (0.5, 0.6]: 0.6 + 0.6, none right; (0.7, 0.8]: 0.2 short; (0.8, 0.9]: 0.1.
    assert scores["ece"] == pytest.approx((1.2 + 0.2 + 0.1) / 4)
    assert calibration_error(labels, probabilities, 10) == scores["ece"]


def test_regression_and_reconstruction():
    errors = regression_errors([[0.0, 2.0]], [[1.0, 5.0]], peak=10.0)
    # Errors 1 and 3: squares 1 and 9, mean 5; 10 log10(100 / 5).
    assert errors["MAE"] == 2 and errors["MSE"] == 5
    assert errors["RMSE"] == pytest.approx(5**0.5)
    assert errors["PSNR"] == pytest.approx(10 * np.log10(20))
    assert regression_errors([1.0], [1.0], peak=1.0)["PSNR"] == float("inf")


def test_several_models():
    first, second = np.array([[0.9, 0.1]]), np.array([[0.4, 0.6]])
    third = np.array([[0.45, 0.55]])
    models = [first, second, third]
    np.testing.assert_allclose(combine_predictions(models), [[1.75 / 3, 1.25 / 3]])
    assert combine_predictions(models, "vote").argmax() == 1
    weighted = combine_predictions([first, second], weights=[1, 3])
    np.testing.assert_allclose(weighted, [[0.525, 0.475]])
    # A tie of votes is broken by the mean.
    assert combine_predictions([first, second], "vote").argmax() == 0


def test_exact_match():
    assert exact_match(["a", " b "], [["a", "c"], ["b"]]) == 1
    assert exact_match(["A", "b"], [["a"], ["b"]], str.strip) == 0.5


def test_paired_bootstrap():
    better = paired_bootstrap(np.arange(50) + 1.0, np.arange(50))
    assert better["difference"] == better["low"] == better["high"] == 1
    assert better["p_value"] == 0
    draw = np.random.default_rng(0).normal(size=(2, 200))
    equal = paired_bootstrap(*draw)
    assert equal["low"] < 0 < equal["high"] and equal["p_value"] > 0.05
    low, high = confidence_interval(draw[0], samples=4000)
    # 1.96 standard errors on each side.
    error = draw[0].std() / 200**0.5
    assert (high - low) / 2 == pytest.approx(1.96 * error, rel=0.1)


def test_statistics_and_hallucination():
    statistics = caption_statistics(["a dog runs", "a dog", ""], ["a dog"])
    # Five words, three of them different; pairs "a dog", "dog runs", "a dog".
    assert statistics["words_mean"] == 5 / 3 and statistics["vocabulary"] == 3
    assert statistics["distinct_1"] == 3 / 5 and statistics["distinct_2"] == 2 / 3
    assert statistics["copied"] == pytest.approx(1 / 3) and statistics["empty"] == 1
    names = {"dog": ["dog", "dogs"], "hot dog": ["hot dog"], "cat": ["cat"]}
    scores = chair(["a hot dog and a cat", "two dogs"], [["cat"], ["dog"]], names)
    # Mentioned: hot dog, cat, dog. The image has no hot dog; "hot dog" mentions no dog.
    assert scores == {"CHAIRi": 1 / 3, "CHAIRs": 1 / 2}


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: retrieval_scores([[np.nan]]), r"`similarity` has nan at \[0, 0\]"),
        (lambda: retrieval_scores(np.eye(2), [[0], []]), "query 1"),
        (lambda: classification_scores([0, 3], np.eye(2)), "3 in row 1, of 2"),
        (lambda: regression_errors([1.0], [[1.0, 2.0]]), "same shape"),
        (lambda: combine_predictions([np.eye(2)], weights=[0]), "positive"),
        (lambda: combine_predictions([np.eye(2)], "best"), "'vote'"),
        (lambda: exact_match([], []), "not 0"),
        (lambda: paired_bootstrap([1.0], [1.0, 2.0]), "same images"),
        (lambda: confidence_interval([1.0], confidence=95), "confidence=95"),
        (lambda: confidence_interval([1.0], samples=0), "`samples` must be an integer"),
        (lambda: retrieval_scores(np.eye(2), ks=[0]), "`ks` must be an integer"),
        (lambda: calibration_error([0], np.eye(2)[:1], 0), "`bins` must be an integer"),
        (lambda: paired_bootstrap([1.0, np.nan], [1.0, 2.0]), r"nan at \[1\]"),
        (lambda: chair(["a"], [], {}), "same length"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
