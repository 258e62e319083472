import argparse
import dataclasses
import json
import shutil
import subprocess
import sys
import time

import keras
import pytest
import tensorflow as tf

from mmkeras.cli.main import main
from mmkeras.cli.setting_flags import add_setting_flags, given_settings
from mmkeras.decoding import DecodingOptions
from tests.conftest import tiny_rows


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    lines = ["image,caption"]
    for row in tiny_rows(40):
        name = f"{row['image_id']}.png"
        (folder / name).write_bytes(row["image"])
        lines += [f'{name},"{caption}"' for caption in row["captions"]]
    (folder / "captions.csv").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def preset(photos, tmp_path_factory):
    output = tmp_path_factory.mktemp("run") / "captioner"
    # What an interrupted run of 2 epochs leaves; --overwrite must not go on from it,
    # or nothing would be left to train.
    (output / ".backup").mkdir(parents=True)
    metadata = {"epoch": 2, "batch": 0}
    (output / ".backup" / "training_metadata.json").write_text(json.dumps(metadata))
    (output / "history.json").write_text(json.dumps({"loss": [0.0, 0.0, 0.0]}))
    code = main(
        ["train", "captioner", "--data", str(photos), "--output", str(output)]
        + ["--image-size", "32", "--hidden-dim", "32", "--num-layers", "1"]
        + ["--epochs", "2", "--batch-size", "16", "--seed", "3", "--overwrite"]
    )
    assert code == 0
    return output


def error_of(capsys, *arguments):
    assert main(list(map(str, arguments))) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


def small(data, output, *more):
    """Arguments of a training of seconds."""
    return (
        ["train", "captioner", "--data", str(data), "--output", str(output)]
        + ["--image-size", "32", "--hidden-dim", "16", "--num-layers", "1"]
        + ["--batch-size", "16", *more]
    )


@pytest.mark.parametrize("command", [[], ["train"], ["caption"], ["info"]])
def test_help_imports_no_tensorflow(command):
    code = (
        "import sys\nfrom mmkeras.cli.main import main\n"
        f"try: main({[*command, '--help']})\nexcept SystemExit: pass\n"
        "assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_help_is_quick():
    def seconds():
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "mmkeras", "--help"], check=True)
        return time.perf_counter() - start

    # The best of three, for machines that are busy with something else.
    assert min(seconds() for _ in range(3)) < 0.5


def test_an_error_is_all_that_is_printed(tmp_path):
    # In a process of its own, where TensorFlow would write about the machine.
    command = [sys.executable, "-m", "mmkeras", "caption", str(tmp_path / "x"), "y.png"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("mmkeras: error: There is no preset folder")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["paint"], "invalid choice: 'paint'"),
        (["train", "captioner", "--epochs", "x"], "--epochs: invalid int value"),
        (["caption"], "required: preset, IMAGE. See mmkeras caption --help."),
    ],
)
def test_bad_arguments_are_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    lines = capsys.readouterr().err.splitlines()
    assert stopped.value.code == 2 and len(lines) == 1
    assert lines[0].startswith("mmkeras: error: ") and message in lines[0]


def test_a_run_is_written_and_repeated(preset, photos, tmp_path, capsys):
    history = json.loads((preset / "history.json").read_text())
    assert len(history["loss"]) == len(history["val_loss"]) == 2
    assert 0 not in history["loss"]
    assert not (preset / ".backup").exists()
    again = tmp_path / "again"
    assert (
        main(
            [
                "train",
                "captioner",
                "--config",
                str(preset / "run.yaml"),
                "--output",
                str(again),
            ]
        )
        == 0
    )
    repeated = json.loads((again / "history.json").read_text())
    assert repeated["loss"][0] == pytest.approx(history["loss"][0], rel=0.02)
    capsys.readouterr()
    message = error_of(capsys, "train", "captioner", "--config", preset / "run.yaml")
    assert "is not empty" in message and "--overwrite" in message


def test_a_setting_that_fails_leaves_no_folder(photos, tmp_path, capsys):
    output = tmp_path / "out"
    wrong = small(photos, output, "--image-encoder", "small_cnm")
    assert "small_cnm" in error_of(capsys, *wrong)
    assert not output.exists()


def test_an_interrupted_run(photos, tmp_path, capsys, monkeypatch):
    output = tmp_path / "out"
    data = shutil.copytree(photos, tmp_path / "photos")
    arguments = small(data, output, "--epochs", "2")

    def interrupt(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(keras.callbacks.EarlyStopping, "on_epoch_begin", interrupt)
        assert main(arguments) == 130
    before = json.loads((output / "history.json").read_text())
    assert len(before["loss"]) == 1

    capsys.readouterr()
    message = error_of(capsys, *arguments, "--learning-rate", "0.01")
    assert "learning_rate (0.003, now 0.01)" in message and "--overwrite" in message

    table = (data / "captions.csv").read_text()
    (data / "captions.csv").write_text(table + '\n0.png,"a zebra"')
    message = error_of(capsys, *arguments)
    assert "vocabulary has changed" in message and "--overwrite" in message
    (data / "captions.csv").write_text(table)

    assert main(arguments) == 0
    after = json.loads((output / "history.json").read_text())
    # The epoch from before and the second, whose backup is then done with.
    assert after["loss"][:1] == before["loss"] and len(after["val_loss"]) == 2
    assert not (output / ".backup").exists()


def test_adapters_of_a_preset(preset, photos, tmp_path, capsys):
    tuned = tmp_path / "tuned"
    training = ["train", "captioner", "--preset", str(preset), "--data", str(photos)]
    training += ["--output", str(tuned), "--lora-rank", "2", "--epochs", "1"]
    assert main([*training, "--batch-size", "16"]) == 0
    capsys.readouterr()

    def said(*arguments):
        assert main(["caption", *map(str, arguments), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    picture = photos / "0.png"
    merged = said(tuned, picture)
    assert merged != said(preset, picture)
    apart = said(preset, picture, "--adapters", tuned / "adapters.lora.h5")
    assert apart["caption"] == merged["caption"]
    assert apart["score"] == pytest.approx(merged["score"], abs=1e-3)


def test_caption(preset, photos, tmp_path, capsys):
    picture = str(photos / "0.png")
    assert main(["caption", str(preset), picture]) == 0
    caption = capsys.readouterr().out.strip()
    assert caption
    bad = tmp_path / "bad.jpg"
    bad.write_text("no picture")
    paths = [picture, str(bad), str(tmp_path / "none.png")]
    code = main(["caption", str(preset), *paths, "--json", "--num-beams", "2"])
    out, err = capsys.readouterr()
    assert code == 1
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["image"] for row in rows] == [picture]
    assert "bad.jpg" in err and "none.png" in err and "Traceback" not in err


def test_scores_of_tokens(preset, photos, tmp_path, capsys):
    ask = ["caption", str(preset), str(photos / "0.png"), "--token-scores"]
    assert main([*ask, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    gains = [gain for _, gain in row["tokens"]]
    assert sum(gains) == pytest.approx(row["score"], abs=1e-3)
    output = tmp_path / "rows.jsonl"
    several = ["--num-beams", "2", "--num-sequences", "2", "--output", str(output)]
    assert main([*ask, *several]) == 0
    row = json.loads(output.read_text("utf-8"))
    assert len(row["captions"]) == len(row["scores"]) == len(row["tokens"]) == 2
    capsys.readouterr()
    assert "--token-scores needs --json, or --output" in error_of(capsys, *ask)


def test_every_option_of_decoding_has_a_flag(preset, photos, capsys):
    parser = argparse.ArgumentParser()
    add_setting_flags(parser, DecodingOptions)
    given = {
        "num_beams": 4, "length_penalty": 0.5, "num_beam_groups": 2,
        "diversity_penalty": 1.0, "temperature": 0.9, "top_k": 5, "top_p": 0.8,
        "seed": 1, "min_length": 2, "max_length": 9, "no_repeat_ngram_size": 3,
        "repetition_penalty": 1.2, "num_sequences": 2,
    }  # fmt: skip
    line = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    words = ["--forbid=a b", "--forbid=c", "--require=d"]
    found = given_settings(parser.parse_args([*line, *words]), DecodingOptions)
    listed = {"forbidden_words": ["a b", "c"], "required_words": ["d"]}
    assert found == {**given, **listed}
    fields = {field.name for field in dataclasses.fields(DecodingOptions)}
    assert fields == {*found}
    assert given_settings(parser.parse_args([]), DecodingOptions) == {}

    picture = str(photos / "0.png")
    draw = ["--top-p", "0.9", "--seed", "2", "--num-sequences", "3", "--json"]
    assert main(["caption", str(preset), picture, *draw]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["image"] for row in rows] == [picture] * 3
    message = error_of(capsys, "caption", preset, picture, *draw, "--num-beams", 2)
    assert "top_p=0.9, num_beams=2" in message


def test_evaluate_export_info(preset, photos, tmp_path, capsys):
    assert main(["evaluate", str(preset), "--data", str(photos), "--limit", "8"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert {"loss", "perplexity", "token_accuracy"} <= set(results)
    page = tmp_path / "report.html"
    told = ["--data", str(photos), "--limit", "4", "--report", str(page)]
    assert main(["evaluate", str(preset), *told, "--metrics", "BLEU-1", "CIDEr-D"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert {"loss", "BLEU-1", "CIDEr-D"} <= set(results)
    assert page.read_text().count("<img ") == 8
    target = tmp_path / "served" / "1"
    assert main(["export", str(preset), "--to", str(target), "--n-best", "2"]) == 0
    signatures = tf.saved_model.load(str(target)).signatures
    assert signatures["n_best"].structured_outputs["captions"].shape[1] == 2
    message = error_of(
        capsys, "export", preset, "--to", tmp_path / "a.tflite", "--n-best", "2"
    )
    assert "--n-best is of the SavedModel of a captioner" in message
    capsys.readouterr()
    assert main(["info", str(preset)]) == 0
    shown = capsys.readouterr().out
    assert "ImageCaptioner" in shown and "model.weights.h5" in shown


def test_errors_are_one_line_with_a_remedy(preset, photos, tmp_path, capsys):
    assert "no preset folder" in error_of(capsys, "caption", tmp_path / "x", "y.png")
    assert "--data and --output" in error_of(capsys, "train", "captioner")
    picture = photos / "0.png"
    message = error_of(capsys, "caption", preset, picture, "--num-beams", 0)
    assert "`num_beams`" in message
    message = error_of(capsys, "export", preset, "--to", "x", "--stepwise")
    assert "of LiteRT files only" in message
    message = error_of(
        capsys, "train", "captioner", "--data", "./none", "--output", tmp_path / "o"
    )
    assert "no folder ./none" in message
    out = ["--output", tmp_path / "o"]
    message = error_of(capsys, "train", "captioner", "--data", "photos/", *out)
    assert "no folder photos/" in message
    for name in ("photo", "photos/summer"):
        message = error_of(capsys, "train", "captioner", "--data", name, *out)
        assert f"no folder {name}, and no dataset" in message
    message = error_of(capsys, "train", "captioner", "--data", "coco:a.json", *out)
    assert "--images" in message
    data = ["--data", photos]
    message = error_of(capsys, "train", "captioner", *data, *out, "--images", "x")
    assert "goes with coco:FILE.json" in message
    message = error_of(capsys, "evaluate", preset, *data, "--limit", 0)
    assert "--limit must be at least 1" in message
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "task.json").write_text('{"class_name": "X"}')
    (tmp_path / "other" / "config.json").write_text('{"config": {}}')
    message = error_of(capsys, "info", tmp_path / "other")
    assert "has no 'image_encoder'" in message
    with pytest.raises(FileNotFoundError):
        main(["info", str(tmp_path), "--debug"])
