import json

import pytest

from mmkeras.data.formats import read_vqa_annotations
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


def test_accuracy_by_hand(annotations):
    # 1: all ten agree. 2: two of ten said "two", which is normalized to 2. Without one
    # of them the score is 1/3, without one of the other eight 2/3:
    # (2 * 1/3 + 8 * 2/3) / 10 = 0.6.
    report = evaluate_answers(
        read_vqa_annotations(annotations), {"1": "yes", "2": "Two."}
    )
    assert report["overall"] == 80.0
    assert report["by_answer_type"] == {"number": 60.0, "yes/no": 100.0}


def test_missing_ids(annotations):
    read = read_vqa_annotations(annotations)
    with pytest.raises(ValueError, match=r"1 questions have no answer \(2\)"):
        evaluate_answers(read, {"1": "yes", "9": "no"})
    report = evaluate_answers(read, {"1": "yes", "9": "no"}, allow_missing=True)
    assert (report["questions"], report["left_out"]) == (1, 2)
