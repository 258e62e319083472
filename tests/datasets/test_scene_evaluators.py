import math
import types

import pytest

from mmkeras.datasets import Scene, SceneObject, scene_hallucination, true_captions

CAT = Scene("small", "white", (SceneObject("cat", 0.5, 0.5, 0.3),))
DOGS = Scene(
    "small",
    "blue",
    (SceneObject("dog", 0.3, 0.5, 0.3), SceneObject("dog", 0.7, 0.5, 0.3)),
)
FISH = Scene("small", "pink", (SceneObject("fish", 0.5, 0.5, 0.3),))


PAIRS = [
    ("a cat.", CAT),
    ("a dog.", DOGS),
    ("两只狗，背景是蓝色。", DOGS),
    ("一只章鱼。", FISH),
]


def predictions(pairs, keys=("image", "scene")):
    rows = [
        types.SimpleNamespace(sample={"scene": scene.to_json()}, output=caption)
        for caption, scene in pairs
    ]
    dataset = types.SimpleNamespace(element_spec=dict.fromkeys(keys))
    return types.SimpleNamespace(rows=rows, dataset=dataset)


def test_true_captions():
    # Of the four captions, the first and the third are true.
    assert true_captions(predictions(PAIRS)) == {"true_captions": 0.5}


def test_scene_hallucination():
    # Each of the four captions names one object, and an octopus (章鱼) is not a fish
    # (鱼): one of four objects, in one of four captions, is absent.
    scores = scene_hallucination(predictions(PAIRS))
    assert scores == {"CHAIRi": 0.25, "CHAIRs": 0.25}


@pytest.mark.parametrize("evaluate", [true_captions, scene_hallucination])
def test_nothing_to_judge_is_nan(evaluate):
    scores = evaluate(predictions([]))
    assert scores and all(math.isnan(score) for score in scores.values())


@pytest.mark.parametrize("evaluate", [true_captions, scene_hallucination])
def test_samples_need_a_scene(evaluate):
    with pytest.raises(ValueError, match="with 'scene'. Received samples with: image"):
        evaluate(predictions(PAIRS, keys=("image",)))
