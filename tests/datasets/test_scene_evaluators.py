import math

import pytest
import tensorflow as tf

from mmkeras.datasets import Scene, SceneObject, scene_hallucination, true_captions

CAT = Scene("small", "white", (SceneObject("cat", 0.5, 0.5, 0.3),))
DOGS = Scene(
    "small",
    "blue",
    (SceneObject("dog", 0.3, 0.5, 0.3), SceneObject("dog", 0.7, 0.5, 0.3)),
)
FISH = Scene("small", "pink", (SceneObject("fish", 0.5, 0.5, 0.3),))


class Captioner:
    """Returns the caption that an image stands for, `None` for a broken one."""

    def __init__(self):
        self.batches = []

    def generate(self, images, *, batch_size, on_error):
        assert on_error == "skip"
        self.batches.append(len(images))
        captions = [image.decode("utf-8") for image in images]
        return [None if caption == "broken" else caption for caption in captions]


def samples(pairs):
    return tf.data.Dataset.from_tensor_slices(
        {
            "image": [caption for caption, _ in pairs],
            "scene": [scene.to_json() for _, scene in pairs],
        }
    )


PAIRS = [
    ("a cat.", CAT),
    ("broken", CAT),
    ("a dog.", DOGS),
    ("两只狗，背景是蓝色。", DOGS),
    ("一只章鱼。", FISH),
]


@pytest.mark.parametrize("batched", [False, True])
def test_true_captions(batched):
    dataset = samples(PAIRS).batch(3) if batched else samples(PAIRS)
    task = Captioner()
    # Of four captions that can be judged, the first and the fourth are true.
    assert true_captions(task, dataset, 2, on_error="skip") == {"true_captions": 0.5}
    assert task.batches == [2, 2, 1]


def test_scene_hallucination():
    # Each of the four captions names one object, and an octopus (章鱼) is not a fish
    # (鱼): one of four objects, in one of four captions, is absent.
    scores = scene_hallucination(Captioner(), samples(PAIRS), on_error="skip")
    assert scores == {"CHAIRi": 0.25, "CHAIRs": 0.25}


@pytest.mark.parametrize("evaluate", [true_captions, scene_hallucination])
def test_nothing_to_judge_is_nan(evaluate):
    scores = evaluate(Captioner(), samples([("broken", CAT)]), on_error="skip")
    assert scores and all(math.isnan(score) for score in scores.values())


@pytest.mark.parametrize("evaluate", [true_captions, scene_hallucination])
def test_samples_need_a_scene(evaluate):
    dataset = tf.data.Dataset.from_tensors({"image": b""})
    with pytest.raises(ValueError, match="Missing: scene"):
        evaluate(Captioner(), dataset)
