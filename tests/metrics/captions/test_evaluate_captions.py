import gzip
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from mmkeras.metrics import CaptionReferences, evaluate_captions
from mmkeras.metrics.captions.official_score import official_scorers

ROOT = pathlib.Path(__file__).parents[3]
FIXTURES = ROOT / "tests" / "fixtures" / "metrics"
PURE = ["BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE_L", "CIDEr-D"]


@pytest.fixture(scope="module")
def hard() -> dict:
    # Made with pycocoevalcap: 320 images, one to five references, hard text, empty and
    # one-word captions.
    with gzip.open(FIXTURES / "caption_scores.json.gz") as file:
        return json.load(file)


def test_toy_scores_equal_the_official_ones():
    toy = json.loads((FIXTURES / "coco_metrics_toy.json").read_text())
    official = json.loads((FIXTURES / "coco_metrics_toy_scores.json").read_text())
    references = CaptionReferences(toy["refs"])
    assert references.tokenized == official["tokenized_refs"]
    results = evaluate_captions(references, toy["hyps"], PURE, per_image=True)
    expected = dict(zip(PURE[:4], official["scores"]["BLEU"], strict=True))
    expected["ROUGE_L"] = official["scores"]["ROUGE_L"]
    expected["CIDEr-D"] = official["scores"]["CIDEr"]
    per_image = results.pop("per_image")
    assert results == pytest.approx(expected, abs=1e-9)
    cider = [scores["CIDEr-D"] for scores in per_image.values()]
    np.testing.assert_allclose(cider, official["per_image"]["CIDEr"], atol=1e-9)
    assert list(per_image) == list(toy["refs"])


def test_hard_scores_equal_the_official_ones(hard):
    references = CaptionReferences(hard["refs"])
    assert references.tokenized == hard["tok_refs"]
    results = evaluate_captions(references, hard["hyps"], PURE, per_image=True)
    for name in PURE:
        assert results[name] == pytest.approx(hard["scores"][name], abs=1e-9)
        values = [scores[name] for scores in results["per_image"].values()]
        np.testing.assert_allclose(values, hard["per_image"][name], rtol=0, atol=1e-9)


def test_one_image_alone():
    # Made with pycocoevalcap: with one image every n-gram weighs log(1 / 1) = 0.
    results = evaluate_captions(
        {"1": ["A dog runs.", "The dog is running"]}, {"1": "A dog is running"}, PURE
    )
    assert results["CIDEr-D"] == 0
    assert results["ROUGE_L"] == 0.75
    assert results["BLEU-4"] == pytest.approx(0.00014953487800685566, abs=1e-9)


def test_captions_without_words():
    results = evaluate_captions({1: ["..."], 2: ["a dog"]}, {1: "", 2: ""}, PURE)
    # As "".split(" ") is one empty word, nothing equals nothing: (1 + 0) / 2.
    assert results["ROUGE_L"] == 0.5
    assert results["BLEU-1"] == results["CIDEr-D"] == 0


def test_missing_ids_are_named():
    references = {1: ["a dog"], 2: ["a cat"]}
    with pytest.raises(ValueError, match=r"1 \(2\) without a caption"):
        evaluate_captions(references, {1: "a dog"})
    with pytest.raises(ValueError, match=r"1 \('3'\) without references"):
        evaluate_captions(references, {1: "a", 2: "a", "3": "a"})
    with pytest.warns(UserWarning, match="ignored: 1 .* 1 evaluated"):
        some = evaluate_captions(references, {1: "a dog"}, PURE, allow_missing=True)
    assert some == evaluate_captions({1: ["a dog"]}, {1: "a dog"}, PURE)
    with pytest.raises(ValueError, match="no id in common"):
        evaluate_captions(references, {3: "a dog"}, allow_missing=True)


@pytest.mark.parametrize(
    "references, hypotheses, error, message",
    [
        ({}, {}, ValueError, "at least one image"),
        ({7: []}, {7: "a"}, ValueError, "Image 7 has no reference"),
        ({7: ["a", " "]}, {7: "a"}, ValueError, "image 7 is empty"),
        ({7: "a"}, {7: "a"}, TypeError, "image 7 must be a list"),
        ({7: [float("nan")]}, {7: "a"}, TypeError, "image 7 is not a string: nan"),
        ({7: ["a"]}, {7: float("nan")}, TypeError, "image 7 is not a string: nan"),
    ],
)
def test_bad_input_names_the_image(references, hypotheses, error, message):
    with pytest.raises(error, match=message):
        evaluate_captions(references, hypotheses)


def test_unknown_names():
    with pytest.raises(ValueError, match="BLEU-5"):
        evaluate_captions({1: ["a"]}, {1: "a"}, ["BLEU-5"])
    with pytest.raises(ValueError, match="`tokenizer` must be one of 'ptb'"):
        evaluate_captions({1: ["a"]}, {1: "a"}, tokenizer="spaces")


@pytest.mark.parametrize(
    "tokenizer, expected",
    [("characters", ["一 只 狗 玩 ipad 𠀀"]), ("jieba", ["一只 狗 玩 ipad"])],
)
def test_chinese(tokenizer, expected):
    if tokenizer == "jieba":
        pytest.importorskip("jieba")
    references = CaptionReferences({1: ["一只狗玩iPad𠀀。"]}, tokenizer)
    assert references.tokenized[1] == expected
    results = evaluate_captions(references, {1: "一只狗玩iPad𠀀"}, ["BLEU-2"])
    assert results["BLEU-2"] == pytest.approx(1)


def test_meteor_exact_stem():
    pytest.importorskip("snowballstemmer")
    # dog matches exactly, runs by its stem, with weight 0.75; "a" is a function word,
    # with 0.25:
    # P = R = (0.25 + 0.75 + 0.6 * 0.75) / 1.75, and no penalty as all is one chunk.
    results = evaluate_captions(
        {1: ["a dog runs"]}, {1: "a dog running"}, ["METEOR-exact-stem"]
    )
    assert results["METEOR-exact-stem"] == pytest.approx(1.45 / 1.75)
    results = evaluate_captions(
        {1: ["a dog runs here"]}, {1: "a dog"}, ["METEOR-exact-stem"]
    )
    # P = 1, R = (0.25 + 0.75) / (0.25 + 0.75 + 0.75 + 0.25) = 0.5,
    # F = PR / (0.85 P + 0.15 R) = 0.5 / 0.925, one chunk of two matches.
    expected = 0.5 / 0.925 * (1 - 0.6 * 0.5**0.2)
    assert results["METEOR-exact-stem"] == pytest.approx(expected)


@pytest.mark.skipif(
    "METEOR" not in official_scorers(), reason="needs Java and pycocoevalcap"
)
def test_meteor_equals_the_jar(hard):
    results = evaluate_captions(hard["refs"], hard["hyps"], ["METEOR"], per_image=True)
    assert results["METEOR"] == pytest.approx(hard["scores"]["METEOR"], abs=1e-9)
    values = [scores["METEOR"] for scores in results["per_image"].values()]
    np.testing.assert_allclose(values, hard["per_image"]["METEOR"], rtol=0, atol=1e-9)


def test_meteor_without_java(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ImportError, match="mmkeras\\[java-metrics\\]"):
        evaluate_captions({1: ["a"]}, {1: "a"}, ["METEOR"])


def test_captions_are_evaluated_without_keras():
    code = (
        "import sys; from mmkeras.metrics import evaluate_captions;"
        "evaluate_captions({1: ['a dog']}, {1: 'a dog'}, ['CIDEr-D']);"
        "print('keras' in sys.modules, 'tensorflow' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    shown = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert shown.stdout.split() == ["False", "False"]
