"""`mmkeras train vqa`, `ask`, `evaluate` and `export` of what it makes."""

import csv
import json

import pytest

from mmkeras.cli.main import main
from mmkeras.models import VisualQARun
from tests.conftest import tiny_rows

COLOUR = "what colour is the background?"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    with (folder / "questions.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["image", "question", "answer"])
        for index, row in enumerate(tiny_rows(12)):
            (folder / f"{index}.png").write_bytes(row["image"])
            pairs = zip(row["question"], row["answer"], strict=True)
            table.writerows([f"{index}.png", *pair] for pair in pairs)
    return folder


@pytest.fixture(scope="module")
def preset(pictures, tmp_path_factory):
    output = tmp_path_factory.mktemp("run") / "vqa"
    arguments = ["train", "vqa", "--data", str(pictures), "--output", str(output)]
    settings = ["--image-size", "32", "--hidden-dim", "16", "--num-layers", "0"]
    assert main([*arguments, *settings, "--fusion", "gated", "--epochs", "2"]) == 0
    return output


def error_of(capsys, *arguments):
    assert main([str(argument) for argument in arguments]) == 2
    return capsys.readouterr().err


def test_a_run_keeps_its_record(preset):
    run = VisualQARun.from_yaml(preset / "run.yaml")
    assert (run.fusion, run.hidden_dim, run.epochs) == ("gated", 16, 2)
    history = json.loads((preset / "history.json").read_text())
    assert len(history["val_accuracy"]) == 2


def test_ask(preset, pictures, capsys):
    picture = str(pictures / "0.png")
    assert main(["ask", str(preset), picture, COLOUR]) == 0
    answer = capsys.readouterr().out.strip()
    assert answer
    asked = [COLOUR, "is there a star?"]
    assert main(["ask", str(preset), picture, *asked, "--top-k", "2", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["question"] for row in rows] == [COLOUR, COLOUR, asked[1], asked[1]]
    assert rows[0]["answer"] == answer
    assert rows[0]["score"] >= rows[1]["score"]


def test_ask_draws_where_it_looks(preset, pictures, tmp_path, capsys):
    drawn = tmp_path / "why.png"
    arguments = ["ask", str(preset), str(pictures / "0.png"), COLOUR]
    assert main([*arguments, "--explain", str(drawn)]) == 0
    assert drawn.stat().st_size > 5_000
    message = error_of(capsys, *arguments, "is it?", "--explain", drawn)
    assert "--explain draws one question" in message


def test_ask_what_writes_its_answers(pictures, tmp_path, capsys):
    preset, picture = tmp_path / "writer", str(pictures / "0.png")
    arguments = ["train", "vqa", "--data", str(pictures), "--output", str(preset)]
    settings = ["--image-size", "32", "--hidden-dim", "16", "--num-layers", "0"]
    settings += ["--head", "generative", "--answer-length", "6"]
    assert main([*arguments, *settings, "--epochs", "2"]) == 0
    capsys.readouterr()
    ask = ["ask", str(preset), picture, COLOUR]
    assert main([*ask, "--num-beams", "3", "--top-k", "2", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 2 and rows[0]["score"] >= rows[1]["score"]
    assert main([*ask, "--min-length", "2", "--max-length", "3"]) == 0
    assert capsys.readouterr().out.strip()
    drawn = tmp_path / "why.png"
    assert main([*ask, "--explain", str(drawn)]) == 0
    assert drawn.stat().st_size > 5_000
    message = error_of(capsys, *ask, "--top-k", "0")
    assert "--top-k must be at least 1. Received: 0." in message


def test_ask_without_what_it_has_not(preset, pictures, capsys):
    ask = ["ask", preset, pictures / "0.png", COLOUR, "--num-beams", "2"]
    message = error_of(capsys, *ask, "--forbid", "red")
    assert "chooses among known answers. Leave out" in message
    assert "--num-beams, --forbid." in message


def test_ask_what_cannot_be_answered(preset, pictures, capsys):
    picture = pictures / "0.png"
    message = error_of(capsys, "ask", preset, picture, COLOUR, " ")
    assert "is blank" in message and "None" not in message
    drawn = ["--explain", "nodir/x.png"]
    message = error_of(capsys, "ask", "no_preset", picture, COLOUR, *drawn)
    assert "no folder nodir to write --explain nodir/x.png" in message
    assert "no image file" in error_of(capsys, "ask", preset, "none.png", COLOUR)
    assert "top_k=-1" in error_of(capsys, "ask", preset, picture, "a?", "--top-k", -1)


def test_evaluate(preset, pictures, capsys):
    assert main(["evaluate", str(preset), "--data", str(pictures), "--limit", "5"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["questions"] >= 15
    assert set(report) >= {"accuracy", "without_image", "shuffled_images"}
    message = error_of(
        capsys, "evaluate", preset, "--data", pictures, "--report", "a.html"
    )
    assert "go with captions" in message


def test_results_in_the_official_format(preset, tmp_path, capsys):
    folder = tmp_path / "official"
    folder.mkdir()
    row = tiny_rows(1)[0]
    (folder / "000000000005.png").write_bytes(row["image"])
    asked = [
        {"image_id": 5, "question_id": 50 + i, "question": question}
        for i, question in enumerate(row["question"])
    ]
    (folder / "q.json").write_text(json.dumps({"questions": asked}))
    arguments = ["--data", f"vqa:{folder / 'q.json'}", "--images", str(folder)]
    results = tmp_path / "results.json"
    assert main(["evaluate", str(preset), *arguments, "--results", str(results)]) == 0
    assert f"Wrote {results}" in capsys.readouterr().out
    written = json.loads(results.read_text())
    assert [item["question_id"] for item in written] == [
        item["question_id"] for item in asked
    ]
    assert all(item["answer"] for item in written)


def test_export_and_info(preset, tmp_path, capsys):
    path = tmp_path / "served" / "1"
    assert main(["export", str(preset), "--to", str(path)]) == 0
    assert (path / "saved_model.pb").is_file()
    message = error_of(capsys, "export", preset, "--to", path, "--num-beams", 2)
    assert "num_beams" in message
    assert main(["info", str(preset)]) == 0
    shown = capsys.readouterr().out
    assert "VisualQA" in shown and "GatedFusion" in shown


def test_a_caption_preset_is_not_asked(tmp_path, capsys):
    preset = "saved_models/emoji_scenes_captioner"
    message = error_of(capsys, "ask", preset, "docs/scene.png", COLOUR)
    assert "ImageCaptioner, which answers no questions" in message


def test_a_preset_that_is_asked_writes_no_captions(capsys):
    preset = "saved_models/emoji_scenes_vqa"
    message = error_of(capsys, "caption", preset, "docs/scene.png")
    assert "holds the task VisualQA, not ImageCaptioner." in message
    assert "try: mmkeras ask" in message
    file = f"{preset}/litert/dynamic_int8.tflite"
    message = error_of(capsys, "caption", file, "docs/scene.png")
    assert "holds the task VisualQA" in message and "try: mmkeras ask" in message
    captioner = "saved_models/emoji_scenes_captioner/litert/dynamic_int8.tflite"
    message = error_of(capsys, "ask", captioner, "docs/scene.png", COLOUR)
    assert "try: mmkeras caption" in message


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"image_dropout": 1.0}, "image_dropout=1.0"),
        ({"sequence_length": 2}, "`sequence_length` must be at least 3"),
        ({"learning_rate": 0.0}, "learning_rate=0.0"),
        ({"on_error": "drop"}, "on_error='drop'"),
        ({"preset": "mine", "fusion": "film"}, "fusion='film'"),
        ({"epochs": "many"}, "`epochs` must be int"),
    ],
)
def test_settings_out_of_range(setting, message):
    with pytest.raises(ValueError, match=message):
        VisualQARun("data", "output", **setting)
