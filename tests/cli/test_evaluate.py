"""`mmkeras evaluate` of presets and of results files."""

import json

import pytest

from mmkeras.cli.main import main
from mmkeras.data.formats import write_caption_results
from tests.conftest import tiny_rows

pytestmark = pytest.mark.usefixtures("loaded_once")
CAPTIONER = "saved_models/emoji_scenes_captioner"
VQA = "saved_models/emoji_scenes_vqa"


@pytest.fixture
def evaluate(photos, capsys):
    """A function that evaluates a preset on a few samples and returns the results."""

    def run(preset, *flags, data=photos, limit=3) -> dict:
        capsys.readouterr()
        command = ["evaluate", preset, "--data", str(data), "--limit", str(limit)]
        assert main([*command, *map(str, flags)]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def test_captions_are_scored_unasked(evaluate):
    results = evaluate(CAPTIONER)
    assert results.keys() == {
        "loss",
        "perplexity",
        "token_accuracy",
        "BLEU-4",
        "ROUGE_L",
        "CIDEr-D",
    }
    assert 0 < results["ROUGE_L"] < 1


def test_a_report_and_chosen_metrics(evaluate, tmp_path):
    page = tmp_path / "report.html"
    results = evaluate(CAPTIONER, "--report", page, "--metrics", "BLEU-1", "CIDEr-D")
    assert {"loss", "BLEU-1", "CIDEr-D"} <= results.keys()
    assert "ROUGE_L" not in results
    # The worst and the best of three images.
    assert page.read_text().count("<img ") == 6


def test_chosen_evaluators(evaluate, photos, error_of):
    results = evaluate(VQA, "--evaluators", "auto")
    assert "without_image" not in results and "accuracy" in results
    message = error_of("evaluate", VQA, "--data", photos, "--evaluators", "x")
    assert message.startswith("--evaluators has the unknown name 'x'")


def test_answers_are_reported_unasked(evaluate):
    results = evaluate(VQA)
    assert results["questions"] == sum(len(r["question"]) for r in tiny_rows(3))
    assert {"accuracy", "without_image", "shuffled_images"} <= results.keys()


def test_unreadable_images_are_skipped_if_asked(
    evaluate, photos, tmp_path, error_of, capsys
):
    for name in ("0.png", "1.png"):
        (tmp_path / name).write_bytes((photos / name).read_bytes())
    (tmp_path / "2.png").write_bytes(b"not an image")
    rows = [f"{i}.png,is it red?,yes" for i in range(3)]
    (tmp_path / "questions.csv").write_text("\n".join(["image,question,answer", *rows]))
    assert "2.png" in error_of("evaluate", VQA, "--data", tmp_path)
    results = evaluate(VQA, "--on-error", "skip", data=tmp_path)
    assert (results["questions"], results["skipped_images"]) == (2, 1)


def test_answers_in_the_official_format(tmp_path, capsys, error_of):
    row = tiny_rows(1)[0]
    (tmp_path / "000000000005.png").write_bytes(row["image"])
    questions = [
        {"image_id": 5, "question_id": 50 + i, "question": question}
        for i, question in enumerate(row["question"])
    ]
    (tmp_path / "q.json").write_text(json.dumps({"questions": questions}))
    data = ["--data", f"vqa:{tmp_path / 'q.json'}", "--images", str(tmp_path)]
    results = tmp_path / "results.json"
    assert main(["evaluate", VQA, *data, "--results", str(results)]) == 0
    assert capsys.readouterr().out == f"Wrote {results}\n"
    written = json.loads(results.read_text())
    assert [item["question_id"] for item in written] == [
        item["question_id"] for item in questions
    ]
    assert all(item["answer"] for item in written)
    message = error_of("evaluate", VQA, *data)
    assert "has no answer or answers to evaluate against" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([VQA, "--report", "a.html"], "--report is for captions, which VisualQA does "
         "not write. Remove --report."),
        ([CAPTIONER, "--results", "a.json"], "--results is for answers, which "
         "ImageCaptioner does not write. Remove it."),
        ([CAPTIONER, "--questions", "q.csv"], "--questions is not for the data of "
         "ImageCaptioner. Remove --questions."),
        ([CAPTIONER, "--limit", "0"], "--limit must be at least 1. Received: --limit "
         "0."),
        ([CAPTIONER, "--batch-size", "0"], "--batch-size must be at least 1. Received: "
         "--batch-size 0."),
    ],
    ids=lambda value: " ".join(value[1:]) if isinstance(value, list) else "",
)  # fmt: skip
def test_flags_that_do_not_fit(arguments, message, photos, error_of):
    assert error_of("evaluate", *arguments, "--data", photos) == message


def test_a_preset_needs_data(error_of):
    assert "A preset is evaluated on --data" in error_of("evaluate", CAPTIONER)


def test_captions_of_a_file(tmp_path, capsys, error_of):
    data = {
        "images": [{"id": 1}, {"id": 2}],
        "annotations": [
            {"image_id": 1, "caption": "A dog runs."},
            {"image_id": 2, "caption": "A cat sits."},
        ],
    }
    references = tmp_path / "captions.json"
    references.write_text(json.dumps(data))
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    write_caption_results({1: "a dog runs", 2: "a cat sits"}, good)
    write_caption_results({1: "a dog", 2: "a bird"}, bad)
    flags = ["--references", str(references), "--against", str(bad)]
    report = ["--report", str(tmp_path / "report.html")]
    report += ["--train-references", str(references)]
    assert main(["evaluate", str(good), *flags, *report]) == 0
    results = json.loads(capsys.readouterr().out)
    assert results["BLEU-2"] == pytest.approx(1)
    assert results["against"]["ROUGE_L"]["difference"] > 0
    assert "<th>copied</th><td>1.0000</td>" in (tmp_path / "report.html").read_text()
    assert "--references FILE for captions" in error_of("evaluate", good)
    assert "--on-error is for presets" in error_of(
        "evaluate", good, "--on-error", "skip"
    )
    write_caption_results({1: "a dog"}, bad)
    message = error_of("evaluate", bad, "--references", references)
    assert "without a caption" in message


def test_answers_of_a_file(tmp_path, capsys):
    answers = [{"answer": "red"}] * 10
    notes = [
        {
            "question_id": i,
            "image_id": 1,
            "answers": answers,
            "answer_type": "other",
            "question_type": "what",
            "multiple_choice_answer": "red",
        }
        for i in (1, 2)
    ]
    (tmp_path / "notes.json").write_text(json.dumps({"annotations": notes}))
    results = [{"question_id": 1, "answer": "red"}, {"question_id": 2, "answer": "a"}]
    (tmp_path / "results.json").write_text(json.dumps(results))
    files = [str(tmp_path / "results.json"), "--annotations"]
    assert main(["evaluate", *files, str(tmp_path / "notes.json")]) == 0
    # One of two answers is that of all ten people.
    assert json.loads(capsys.readouterr().out)["overall"] == 50.0
