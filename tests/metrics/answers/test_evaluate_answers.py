import json
import re

import pytest

from mmkeras.cli.main import main
from mmkeras.data.formats import (
    read_vqa_annotations,
    read_vqa_results,
    write_vqa_results,
)
from mmkeras.metrics import evaluate_answers


def annotation(question_id, answers, answer_type):
    return {
        "question_id": question_id,
        "answers": [{"answer": answer} for answer in answers],
        "answer_type": answer_type,
        "question_type": "is it",
    }


@pytest.fixture
def annotations(tmp_path):
    rows = [
        annotation(1, ["yes"] * 10, "yes/no"),
        annotation(2, ["two"] * 2 + ["three"] * 8, "number"),
    ]
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps({"annotations": rows}))
    return path


def test_files_make_a_round_trip(tmp_path):
    path = tmp_path / "results.json"
    write_vqa_results({"7": "yes", "a7": "红色"}, path)
    assert json.loads(path.read_text("utf-8"))[0] == {"question_id": 7, "answer": "yes"}
    assert read_vqa_results(path) == {"7": "yes", "a7": "红色"}


def test_accuracy_by_hand(annotations):
    # 1: all ten agree. 2: two of ten said 2 (which "two" is made): each of those two
    # is left out with 1/3, the other eight with 2/3: (2/3 + 16/3) / 10 = 0.6.
    report = evaluate_answers(
        read_vqa_annotations(annotations), {"1": "yes", "2": "Two."}
    )
    assert report["overall"] == 80.0
    assert report["by_answer_type"] == {"number": 60.0, "yes/no": 100.0}


def test_ids_that_are_missing(annotations):
    read = read_vqa_annotations(annotations)
    with pytest.raises(ValueError, match=r"1 questions have no answer \(2\)"):
        evaluate_answers(read, {"1": "yes", "9": "no"})
    report = evaluate_answers(read, {"1": "yes", "9": "no"}, allow_missing=True)
    assert (report["questions"], report["left_out"]) == (1, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("{}", "must be a list"),
        ('[{"answer": "a"}]', "row 0 has no 'question_id'"),
        ('[{"question_id": 1, "answer": null}]', "question 1 is not a string"),
        (
            '[{"question_id": 1, "answer": "a"}, {"question_id": "1", "answer": "b"}]',
            "a second answer to question 1",
        ),
    ],
)
def test_bad_results(tmp_path, text, message):
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(message)):
        read_vqa_results(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "must be an object with 'annotations'"),
        ({"annotations": [{"question_id": 1}]}, "annotations[0] has no 'answers'"),
        (
            {"annotations": [annotation(1, ["a"], ""), annotation(1, ["a"], "")]},
            "question_id 1 is duplicated",
        ),
    ],
)
def test_bad_annotations(tmp_path, data, message):
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps(data))
    with pytest.raises(ValueError, match=re.escape(message)):
        read_vqa_annotations(path)


def test_the_command_judges_a_file(annotations, tmp_path, capsys):
    results = tmp_path / "results.json"
    write_vqa_results({1: "yes", 2: "three"}, results)
    arguments = ["evaluate", str(results), "--annotations", str(annotations)]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["overall"] == 100.0
