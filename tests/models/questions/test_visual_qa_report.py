import numpy as np
import pytest
import tensorflow as tf

from mmkeras.data import drop_modalities
from mmkeras.models import visual_qa_report


def right(scenes, found):
    pairs = zip(scenes, found, strict=True)
    return np.mean(
        [
            answer == true
            for row, answers in pairs
            for answer, true in zip(answers, row["answer"], strict=True)
        ]
    )


def test_accuracies_are_those_of_answer(vqa, dataset, scenes):
    report = visual_qa_report(vqa, dataset, batch_size=9)
    questions = [row["question"] for row in scenes]
    images = [row["image"] for row in scenes]
    assert report["questions"] == sum(map(len, questions))
    # The first batch has no image before it, and begins with its own last one.
    shifted = [images[8], *images[:-1]]
    blank = [[None] * len(asked) for asked in questions]
    expected = {
        "accuracy": vqa.answer(images, questions),
        "without_image": vqa.answer([None] * len(images), questions),
        "shuffled_images": vqa.answer(shifted, questions),
        "without_question": vqa.answer(images, blank),
    }
    for name, found in expected.items():
        assert report[name] == pytest.approx(right(scenes, found), abs=1e-6), name
    assert report["accuracy"] > report["shuffled_images"]


def test_by_question_type_and_by_modalities(vqa, dataset):
    typed = dataset.map(
        lambda sample: {
            **sample,
            "question_type": tf.strings.regex_replace(
                sample["question"], r"^(\w+).*", r"\1"
            ),
        }
    )
    dropped = drop_modalities(typed, {"image": 0.4, "question": 0.3}, seed=1)
    report = visual_qa_report(vqa, dropped)
    for key in ("by_question_type", "by_modalities"):
        found = report[key].values()
        assert sum(kind["questions"] for kind in found) == report["questions"]
        mean = sum(kind["questions"] * kind["accuracy"] for kind in found)
        assert mean / report["questions"] == pytest.approx(report["accuracy"])
    assert {"image+question", "question"} <= set(report["by_modalities"])
    assert "what" in report["by_question_type"]


@pytest.mark.parametrize("name", ["vqa", "generative_vqa"])
def test_missing_images_do_not_change_the_other_rows(name, dataset, request):
    """The accuracy where the image is present equals that on these samples alone."""
    task = request.getfixturevalue(name)
    dropped = drop_modalities(dataset, {"image": 0.4}, seed=1)
    report = visual_qa_report(task, dropped, batch_size=16)
    present = dropped.filter(lambda sample: sample["image_present"])
    alone = visual_qa_report(task, present, batch_size=16)
    kept = report["by_modalities"]["image+question"]
    assert kept["questions"] == alone["questions"] < report["questions"]
    assert kept["accuracy"] == pytest.approx(alone["accuracy"], abs=1e-6)
