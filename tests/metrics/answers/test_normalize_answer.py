import json
import pathlib

import pytest

from mmkeras.metrics import VQAAccuracyReport, normalize_answer, vqa_accuracy

OFFICIAL = json.loads(
    (pathlib.Path(__file__).parents[2] / "fixtures" / "vqa_official.json").read_text(
        "utf-8"
    )
)


def test_900_answers_are_normalized_like_the_official_code():
    wrong = [
        (answer, normalize_answer(answer), official)
        for answer, official in OFFICIAL["normalised"]
        if normalize_answer(answer) != official
    ]
    assert (len(OFFICIAL["normalised"]), wrong) == (900, [])


def test_300_questions_are_scored_like_the_official_code():
    report = VQAAccuracyReport()
    for question in OFFICIAL["questions"]:
        official = question.pop("accuracy")
        # Equal to the last bit.
        assert vqa_accuracy(question["answer"], question["answers"]) == official
        report.add(**question)
    assert report.result() == {"questions": 300, **OFFICIAL["report"]}


@pytest.mark.parametrize(
    ("answer", "normalised"),
    [
        ("The two-door car.", "2 door car"),
        ("a", ""),
        ("none", "0"),
        ("1,000 black/white", "1000 blackwhite"),
        ("black/white", "black white"),
        ("black / white", "black white"),
        ("3.5", "3.5"),
        ("3. 5", "3 5"),
        ("dont", "don't"),
        ("don't", "don't"),
        ("10:30 p.m.", "10:30 pm"),
        ("cat\ndog\t", "cat dog"),
        ("." * 33, "."),
        ("两只猫。", "两只猫。"),
        ("什么？", "什么？"),
        ("什么?", "什么"),
        ("红色, 蓝色", "红色 蓝色"),
        ("T-恤", "t 恤"),
        # In Python 2, for which the rule was written, these are not digits.
        ("１.２", "１２"),
    ],
)
def test_rules(answer, normalised):
    assert normalize_answer(answer) == normalised
