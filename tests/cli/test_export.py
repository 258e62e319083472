"""`mmkeras export`, `mmkeras info` and `mmkeras update`."""

import json
import pathlib
import shutil

import pytest
import tensorflow as tf

from mmkeras.cli.main import main

pytestmark = pytest.mark.usefixtures("loaded_once")
CAPTIONER = "saved_models/emoji_scenes_captioner"
VQA = "saved_models/emoji_scenes_vqa"
IMAGE = "docs/scene.png"


def test_a_saved_model_and_a_litert_file(photos, tmp_path, capsys, error_of):
    saved_model, litert = tmp_path / "captioner" / "1", tmp_path / "steps.tflite"
    targets = ["--to", str(saved_model), "--to", str(litert), "--stepwise"]
    command = ["export", CAPTIONER, *targets, "--serving-config"]
    assert main([*command, "--samples", str(photos)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"Wrote {saved_model}",
        f"Wrote {litert}: {litert.stat().st_size / 1e6:.2f} MB, the same output as the "
        "model for 100.0% of 12 samples",
    ]
    serve = tf.saved_model.load(str(saved_model)).signatures["serving_default"]
    image = tf.constant([tf.io.read_file(IMAGE).numpy()])
    caption = serve(image_bytes=image)["caption"].numpy()[0].decode()
    assert (tmp_path / "captioner" / "models.config").is_file()
    # A stepwise file gives the caption without a score.
    output = tmp_path / "captions.jsonl"
    assert main(["caption", str(litert), IMAGE, "--output", str(output)]) == 0
    row = json.loads(output.read_text("utf-8"))
    assert row == {"image": IMAGE, "caption": caption}
    message = error_of(*command)
    assert str(saved_model) in message and "pass --overwrite" in message


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--to", "x", "--stepwise", "--precision", "float16"],
         "--precision, --stepwise is for LiteRT files. Name one, e.g. --to my.tflite."),
        (["--to", "x.tflite", "--stepwise", "--num-beams", "2"], "--stepwise"),
        (["--to", "x.tflite", "--samples", "none"], "none"),
        (["--to", "x.tflite", "--min-identical", "2"], "--min-identical must be"),
        (["--to", "x", "--num-beams", "0"], "--num-beams must be"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_flags_that_do_not_fit(flags, message, error_of):
    assert message in error_of("export", CAPTIONER, *flags)
    assert not list(pathlib.Path().glob("x*"))


def test_options_of_other_tasks(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["export", VQA, "--to", "x", "--num-beams", "2"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err == (
        "mmkeras: error: unrecognized arguments of a preset of vqa: --num-beams 2. See "
        "mmkeras export PRESET --help.\n"
    )


def test_info(capsys, tmp_path, error_of):
    assert main(["info", VQA]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("task")
    for text in ("VisualQA", "StackedAttention", "model.weights.h5", "serving/1"):
        assert text in shown
    assert shown.endswith(f'try: mmkeras ask {VQA} IMAGE "QUESTION"\n')
    (tmp_path / "task.json").write_text('{"class_name": "X"}')
    message = error_of("info", tmp_path)
    assert "holds the unknown task X. The known tasks are" in message


def test_update(tmp_path, capsys, error_of):
    preset = tmp_path / "preset"
    shutil.copytree(
        CAPTIONER, preset, ignore=shutil.ignore_patterns("litert", "serving")
    )
    assert main(["update", str(preset)]) == 0
    assert capsys.readouterr().out == f"Nothing to update in {preset}\n"
    config = json.loads((preset / "config.json").read_text())
    config["config"]["max_length"] = config["config"].pop("sequence_length")
    (preset / "config.json").write_text(json.dumps(config))
    (preset / "mmkeras.json").unlink()
    assert f"mmkeras update {preset}" in error_of("caption", preset, IMAGE)
    assert main(["update", str(preset)]) == 0
    assert capsys.readouterr().out == f"Updated {preset}\n"
    assert (
        "sequence_length" in json.loads((preset / "config.json").read_text())["config"]
    )
    assert "is not the preset of a task" in error_of("update", tmp_path)
