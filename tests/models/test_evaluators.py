import sys
import types

import pytest

from mmkeras.datasets import judge_caption
from mmkeras.datasets.scene import Scene
from mmkeras.metrics import CaptionReferences, evaluate_captions
from mmkeras.models import Evaluator, evaluators, register_evaluator, task_specs
from mmkeras.models.evaluators import choose_evaluators

CAPTIONER, VQA, GENERATIVE = task_specs().values()
SCENES = {"image", "captions", "question", "answer", "scene"}


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setattr(evaluators, "_registered", dict(evaluators._registered))


def longest(predictions):
    return {"longest": max(len(row.output) for row in predictions)}


def names(chosen):
    return [evaluator.name for evaluator in chosen]


@pytest.mark.parametrize(
    ("spec", "keys", "auto", "others"),
    [
        (
            CAPTIONER,
            SCENES,
            ["caption_scores", "true_captions"],
            ["scene_hallucination"],
        ),
        (CAPTIONER, {"image", "caption"}, ["caption_scores"], []),
        # Cached features have no image to predict from.
        (CAPTIONER, {"image_features", "captions"}, [], []),
        (VQA, SCENES, [], ["visual_qa_report"]),
        (VQA, {"image", "question", "answers"}, [], ["visual_qa_report"]),
        (GENERATIVE, SCENES, ["exact_answers"], ["visual_qa_report"]),
    ],
)
def test_fitting_evaluators(spec, keys, auto, others):
    keys = dict.fromkeys(keys)
    assert names(choose_evaluators("auto", spec, keys)) == auto
    assert sorted(names(choose_evaluators("all", spec, keys))) == sorted(auto + others)
    assert choose_evaluators(None, spec, keys) == []


def test_named_evaluators():
    keys = dict.fromkeys(SCENES)
    wanted = ["scene_hallucination", "caption_scores"]
    assert names(choose_evaluators(wanted, CAPTIONER, keys)) == wanted
    assert names(choose_evaluators(wanted[0], CAPTIONER, keys)) == wanted[:1]
    with pytest.raises(ValueError, match="unknown name 'cider'. Known .*'caption_sco"):
        choose_evaluators(["cider"], CAPTIONER, keys)
    with pytest.raises(ValueError, match="'true_captions' needs .*scene.*VisualQA"):
        choose_evaluators(["true_captions"], GENERATIVE, {"image": None})


def test_a_registered_evaluator_is_run(captioner, dataset, scenes, monkeypatch):
    module = types.SimpleNamespace(longest=longest)
    monkeypatch.setitem(sys.modules, "my_plugin", module)
    evaluator = Evaluator("longest", "my_plugin:longest", output="caption")
    register_evaluator(evaluator)
    register_evaluator(evaluator)
    with pytest.raises(ValueError, match="'longest' is registered already"):
        register_evaluator(Evaluator("longest", "other:function"))
    results = captioner.evaluate(dataset.take(8), verbose=0)
    captions = captioner.generate([row["image"] for row in scenes[:8]])
    assert results["longest"] == max(map(len, captions))
    # The built-in ones, from the same predictions.
    verdicts = [
        bool(judge_caption(caption, Scene.from_json(row["scene"]), "en"))
        for caption, row in zip(captions, scenes, strict=False)
    ]
    assert results["true_captions"] == sum(verdicts) / 8
    references = CaptionReferences(dict(enumerate(r["captions"] for r in scenes[:8])))
    wanted = evaluate_captions(references, dict(enumerate(captions)), ["CIDEr-D"])
    assert results["CIDEr-D"] == pytest.approx(wanted["CIDEr-D"])
    only = captioner.evaluate(dataset.take(8), evaluators=["longest"], verbose=0)
    assert "CIDEr-D" not in only and only["longest"] == results["longest"]
