import pytest

from mmkeras.metrics import VQAAccuracyReport, vqa_accuracy, vqa_soft_scores

OTHERS = [f"answer {letter}" for letter in "bcdefghijk"]


@pytest.mark.parametrize(
    # For n = 1 the annotator who gave it sees 0 others, the nine others see 1:
    # 9/10 · 1/3. For n = 2: 2/10 · 1/3 + 8/10 · 2/3. For n = 3: 3/10 · 2/3 + 7/10.
    ("number", "accuracy"),
    [(0, 0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1), (10, 1)],
)
def test_ten_annotators(number, accuracy):
    answers = ["red"] * number + OTHERS[number:]
    assert vqa_accuracy("red", answers) == pytest.approx(accuracy)
    assert vqa_soft_scores(answers).get("red", 0) == pytest.approx(accuracy)


def test_normalized_unless_all_agree():
    assert vqa_accuracy("2.", ["two"] * 5 + ["many"] * 5) == 1
    assert vqa_accuracy("yes", ["Yes"] * 10) == 0
    assert vqa_accuracy(" Yes\n", ["Yes", "Yes "] * 5) == 1
    assert vqa_soft_scores(["Yes"] * 10) == {"Yes": 1}


def test_soft_scores():
    answers = ["two"] * 3 + ["2"] * 5 + ["many", "the"]
    assert vqa_soft_scores(answers) == {"2": 1, "many": pytest.approx(0.3)}
    # 3 annotators: a of two of them: 2/3 · 1/3 + 1/3 · 2/3, b of one: 2/3 · 1/3.
    scores = vqa_soft_scores(["a cat", "cat", "b"])
    assert scores == pytest.approx({"cat": 4 / 9, "b": 2 / 9})
    scores = vqa_soft_scores(["a cat", "cat", "b"], leave_one_out=False)
    assert scores == pytest.approx({"cat": 2 / 3, "b": 1 / 3})
    assert vqa_soft_scores(["cat"]) == {"cat": 0}
    assert vqa_soft_scores(["cat"], leave_one_out=False) == pytest.approx(
        {"cat": 1 / 3}
    )


def test_chinese():
    answers = ["红色"] * 3 + ["红色。"] * 2 + ["蓝色"] * 5
    assert vqa_accuracy("红色", answers) == pytest.approx(0.9)
    assert vqa_accuracy("红色。", answers) == pytest.approx(0.6)


def test_report():
    report = VQAAccuracyReport()
    answers = ["red"] * 3 + OTHERS[3:]
    assert report.add("red", answers, "other", "what color") == pytest.approx(0.9)
    report.add("answer k", answers, answer_type="other")
    report.add("blue", answers, question_type="what color")
    # (0.9 + 0.3 + 0) / 3 = 0.4, (0.9 + 0.3) / 2 = 0.6, (0.9 + 0) / 2 = 0.45.
    assert report.result() == {
        "questions": 3,
        "overall": 40.0,
        "by_answer_type": {"other": 60.0},
        "by_question_type": {"what color": 45.0},
    }


def test_no_answers():
    for answers in ([], "yes"):
        with pytest.raises(ValueError, match="`answers` must be a sequence of"):
            vqa_accuracy("yes", answers)
        with pytest.raises(ValueError, match="`answers` must be a sequence of"):
            vqa_soft_scores(answers)
    with pytest.raises(ValueError, match="No question was added"):
        VQAAccuracyReport().result()
