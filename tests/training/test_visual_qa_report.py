import numpy as np
import pytest
import tensorflow as tf

from mmkeras.data import drop_modalities
from mmkeras.models import GenerativeVisualQA, VisualQA
from mmkeras.training import visual_qa_report
from tests.conftest import SIDE


@pytest.fixture(scope="module")
def vqa(dataset):
    vqa = VisualQA.from_data(
        dataset, image_size=SIDE, hidden_dim=16, num_encoder_layers=0, fusion="gated"
    )
    vqa.compile("adam")
    vqa.fit(dataset, epochs=3, batch_size=16, verbose=0)
    return vqa


def right(scenes, found):
    pairs = zip(scenes, found, strict=True)
    return np.mean(
        [
            answer == true
            for row, answers in pairs
            for answer, true in zip(answers, row["answer"], strict=True)
        ]
    )


def test_the_figures_are_those_of_answer(vqa, dataset, scenes):
    report = visual_qa_report(vqa, dataset, batch_size=9)
    questions = [row["question"] for row in scenes]
    images = [row["image"] for row in scenes]
    assert report["questions"] == sum(map(len, questions))
    # The first batch has no picture before it, and begins with its own last one.
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


def test_by_kind_and_by_what_is_there(vqa, dataset):
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


def test_missing_pictures_leave_the_others_as_they_were(vqa, dataset):
    """Accuracy where the picture is there equals that on these samples alone."""
    dropped = drop_modalities(dataset, {"image": 0.4}, seed=1)
    report = visual_qa_report(vqa, dropped, batch_size=16)
    there = dropped.filter(lambda sample: sample["image_present"])
    alone = visual_qa_report(vqa, there, batch_size=16)
    kept = report["by_modalities"]["image+question"]
    assert kept["questions"] == alone["questions"]
    assert kept["accuracy"] == pytest.approx(alone["accuracy"], abs=1e-6)


def test_written_answers_are_reported_too(dataset):
    vqa = GenerativeVisualQA.from_data(
        dataset, image_size=SIDE, hidden_dim=16, num_encoder_layers=0, fusion="gated"
    )
    vqa.compile("adam")
    vqa.fit(dataset, epochs=4, batch_size=16, verbose=0)
    dropped = drop_modalities(dataset, {"image": 0.5}, seed=1)
    report = visual_qa_report(vqa, dropped, batch_size=9)
    accuracy = vqa.evaluate(dropped, verbose=0)["accuracy"]
    assert report["accuracy"] == pytest.approx(accuracy)
    assert list(map(type, report["by_modalities"])) == [str, str]
