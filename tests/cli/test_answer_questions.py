"""`mmkeras ask` and `mmkeras predict` for questions about an image."""

import json

import pytest

from mmkeras.cli.main import main

pytestmark = pytest.mark.usefixtures("loaded_once")
IMAGE = "docs/scene.png"
COLOUR = "what colour is the background?"
VQA = "saved_models/emoji_scenes_vqa"
LITERT = f"{VQA}/litert/dynamic_int8.tflite"


@pytest.mark.parametrize("preset", [VQA, LITERT], ids=["preset", "litert"])
def test_answers(preset, capsys):
    assert main(["ask", preset, IMAGE, COLOUR]) == 0
    assert capsys.readouterr().out == "grey\n"
    questions = [COLOUR, "is there a cat?"]
    assert main(["predict", preset, IMAGE, *questions]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{COLOUR} grey" and lines[1].startswith(questions[1])
    assert (
        main(["ask", preset, IMAGE, *questions, "--num-sequences", "2", "--json"]) == 0
    )
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["question"] for row in rows] == [
        COLOUR,
        COLOUR,
        questions[1],
        questions[1],
    ]
    assert rows[0]["answer"] == "grey"
    assert rows[0]["score"] >= rows[1]["score"]


def test_several_answers_show_their_probabilities(capsys):
    assert main(["ask", VQA, IMAGE, COLOUR, "--num-sequences", "2"]) == 0
    assert capsys.readouterr().out.startswith("grey (100.0%), ")


def test_explanation(tmp_path, error_of):
    plot = tmp_path / "why.png"
    arguments = ["ask", VQA, IMAGE, COLOUR]
    assert main([*arguments, "--explain", str(plot)]) == 0
    assert plot.stat().st_size > 5_000
    message = error_of(*arguments, "is it?", "--explain", plot)
    assert message == "--explain plots a single question. Received: 2 questions."
    message = error_of("ask", "no_preset", IMAGE, COLOUR, "--explain", "none/x.png")
    assert "no_preset does not exist" in message
    message = error_of(*arguments, "--explain", "none/x.png")
    assert message.startswith("The folder none of --explain none/x.png does not exist.")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([VQA, IMAGE, COLOUR, "--num-beams", "2", "--forbid", "red"],
         f"{VQA} holds the task VisualQA, which has no such options. Remove --forbid, "
         "--num-beams."),
        ([VQA, IMAGE, COLOUR, " "], "A QUESTION is blank. Write one in quotes."),
        ([VQA, "none.png", COLOUR], "Image file none.png does not exist."),
        ([VQA, IMAGE, "a?", "--num-sequences", "-1"], "--num-sequences must be an "
         "integer of at least 1. Received: --num-sequences -1."),
        ([LITERT, IMAGE, "a?", "--explain", "x.png"], f"{LITERT} is a LiteRT file, "
         "which was exported with its options. Remove --explain, or give the preset."),
        (["saved_models/emoji_scenes_captioner", IMAGE, "a?"], "saved_models/"
         "emoji_scenes_captioner holds the task ImageCaptioner, which answers no "
         "questions. Try: mmkeras caption saved_models/emoji_scenes_captioner IMAGE"),
    ],
)  # fmt: skip
def test_questions_that_cannot_be_answered(arguments, message, error_of):
    assert error_of("ask", *arguments) == message


def test_predict_needs_a_question(error_of):
    assert error_of("predict", VQA, IMAGE) == (
        f'VisualQA needs an image and a question: mmkeras ask {VQA} IMAGE "QUESTION"'
    )
