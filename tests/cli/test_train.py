"""`mmkeras train` and the records of its runs."""

import json
import shutil

import keras
import pytest

from mmkeras.cli.main import main
from mmkeras.models import CaptionerRun, VisualQARun
from tests.cli.conftest import TINY

pytestmark = pytest.mark.usefixtures("eager")
CAPTIONER = ["train", "captioner", *TINY, "--num-layers", "1"]


def history_of(preset):
    return json.loads((preset / "history.json").read_text())


@pytest.fixture(scope="module")
def preset(photos, tmp_path_factory):
    output = tmp_path_factory.mktemp("run") / "captioner"
    # An interrupted run of 2 epochs, which --overwrite must not resume: nothing would
    # be trained.
    (output / ".backup").mkdir(parents=True)
    metadata = {"epoch": 2, "batch": 0}
    (output / ".backup" / "training_metadata.json").write_text(json.dumps(metadata))
    (output / "history.json").write_text(json.dumps({"loss": [0.0, 0.0, 0.0]}))
    data = ["--data", str(photos), "--output", str(output)]
    assert main([*CAPTIONER, *data, "--epochs", "2", "--seed", "3", "--overwrite"]) == 0
    return output


def test_a_run_is_recorded(preset):
    history = history_of(preset)
    assert len(history["loss"]) == len(history["val_loss"]) == 2
    assert 0 not in history["loss"]
    assert not (preset / ".backup").exists()
    run = CaptionerRun.from_yaml(preset / "run.yaml")
    assert (run.hidden_dim, run.epochs, run.seed) == (16, 2, 3)


def test_a_run_is_repeated(preset, tmp_path, error_of):
    config = ["train", "captioner", "--config", str(preset / "run.yaml")]
    again = tmp_path / "again"
    assert main([*config, "--output", str(again), "--epochs", "1"]) == 0
    # The schedule of one epoch starts like that of two.
    assert history_of(again)["loss"][0] == pytest.approx(
        history_of(preset)["loss"][0], rel=0.02
    )
    message = error_of(*config)
    assert message == (
        f"The folder {preset} is not empty. Choose another --output, or pass "
        "--overwrite."
    )


@pytest.mark.filterwarnings("default::UserWarning")
def test_an_interrupted_run_is_resumed(photos, tmp_path, error_of, monkeypatch, capsys):
    output = tmp_path / "out"
    data = shutil.copytree(photos, tmp_path / "photos")
    table = (data / "captions.csv").read_text()
    # The length follows from the data, up to 128 tokens.
    table += f'0.png,"{"red " * 139}"\n1.png,"{"red " * 129}"\n'
    (data / "captions.csv").write_text(table)
    arguments = [*CAPTIONER, "--data", str(data), "--output", str(output)]
    arguments += ["--epochs", "2"]
    message = error_of(*arguments, "--sequence-length", 20)
    assert "3 of 35 captions are longer than --sequence-length 20 tokens" in message
    assert "Use --sequence-length 140, or --long-captions cut" in message

    def interrupt(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(keras.callbacks.EarlyStopping, "on_epoch_begin", interrupt)
        assert main(arguments) == 130
    assert (
        "captions are longer than 128 tokens and will be cut. --sequence-length 140 "
        "keeps all of them.\n" in capsys.readouterr().err
    )
    before = history_of(output)
    assert len(before["loss"]) == 1

    message = error_of(*arguments, "--learning-rate", "0.01")
    assert "other settings: --learning-rate 0.01 (before: None)." in message
    assert "or pass --overwrite to start from scratch" in message

    (data / "captions.csv").write_text(table + '0.png,"a zebra"\n')
    message = error_of(*arguments)
    assert "vocabulary differs" in message and "pass --overwrite" in message
    (data / "captions.csv").write_text(table)

    # An unreadable image may be the reason why a run stopped.
    for name in ("3.png", "4.png"):
        (data / name).write_bytes(b"not an image")
    message = error_of(*arguments)
    assert ".png" in message and "--on-error skip" in message
    assert main([*arguments, "--on-error", "skip"]) == 0
    captured = capsys.readouterr()
    assert captured.out.endswith(
        f"Wrote {output}. Try: mmkeras caption {output} IMAGE\n"
    )
    assert "mmkeras: warning: 2 of " in captured.err
    after = history_of(output)
    assert after["loss"][:1] == before["loss"] and len(after["val_loss"]) == 2
    skipped = after["skipped_images"], after["val_skipped_images"]
    assert [
        a + b for a, b in zip(*(column[1:] for column in skipped), strict=True)
    ] == [2]
    assert skipped[0][0] is None
    assert not (output / ".backup").exists()
    config = json.loads((output / "config.json").read_text())["config"]
    assert config["sequence_length"] == 128


def test_adapters_of_a_preset(preset, photos, tmp_path, capsys):
    tuned = tmp_path / "tuned"
    training = ["train", "captioner", "--preset", str(preset), "--data", str(photos)]
    training += ["--output", str(tuned), "--lora-rank", "2", "--epochs", "1"]
    assert main([*training, "--batch-size", "8", "--learning-rate", "0.1"]) == 0
    capsys.readouterr()

    def predict(*arguments):
        assert main(["predict", *map(str, arguments), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    image = photos / "0.png"
    merged = predict(tuned, image)
    assert merged != predict(preset, image)
    separate = predict(preset, image, "--adapters", tuned / "adapters.lora.h5")
    assert separate["caption"] == merged["caption"]
    assert separate["score"] == pytest.approx(merged["score"], abs=1e-3)


@pytest.mark.parametrize("task", ["vqa", "generative-vqa"])
def test_tasks_with_questions(task, photos, tmp_path, capsys):
    output = tmp_path / "out"
    arguments = ["train", task, "--data", str(photos), "--output", str(output), *TINY]
    settings = ["--num-layers", "0", "--fusion", "gated", "--text-dropout", "0.1"]
    assert main([*arguments, *settings, "--epochs", "2"]) == 0
    assert f'Try: mmkeras ask {output} IMAGE "QUESTION"' in capsys.readouterr().out
    history = history_of(output)
    assert history["loss"][1] < history["loss"][0] and len(history["val_loss"]) == 2
    ask = ["ask", str(output), str(photos / "0.png"), "is it red?", "is it blue?"]
    assert main([*ask, "--num-sequences", "2", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["question"] for row in rows] == [ask[3], ask[3], ask[4], ask[4]]
    assert rows[0]["score"] >= rows[1]["score"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--image-encoder", "small_cnm"], "small_cnm"),
        (["--epochs", "0"], "--epochs must be an integer of at least 1. Received: "
         "--epochs 0."),
        (["--dropout", "1"], "--dropout must be"),
        (["--lora-rank", "2"], "give its --preset. Received: --lora-rank 2, no "
         "--preset."),
        (["--preset", "x", "--hidden-dim", "3"], "Received: --preset x, --hidden-dim "
         "3."),
        (["--images", "x"], "--images does not go with"),
        (["--config", "none.yaml"], "The file none.yaml does not exist"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_a_bad_setting_leaves_no_folder(flags, message, photos, tmp_path, error_of):
    output = tmp_path / "out"
    arguments = [*CAPTIONER[:2], "--data", photos, "--output", output, *flags]
    assert message in error_of(*arguments)
    assert not output.exists()


def test_data_that_do_not_exist(tmp_path, error_of):
    output = ["--output", tmp_path / "o"]
    for name in ("./none", "none/"):
        message = error_of("train", "captioner", "--data", name, *output)
        assert f"There is no folder {name}" in message
    for name in ("photo", "photos/summer"):
        message = error_of("train", "captioner", "--data", name, *output)
        assert f"no folder {name}, and no dataset" in message
    message = error_of("train", "captioner", "--data", "coco:a.json", *output)
    assert message.endswith("needs the folder of the images: --images.")
    assert error_of("train", "captioner") == (
        "Give --data and --output, or --config FILE."
    )


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"image_dropout": 1.0}, "image_dropout=1.0"),
        ({"sequence_length": 2}, "`sequence_length` must be an integer of at least 3"),
        ({"learning_rate": 0.0}, "learning_rate=0.0"),
        ({"on_error": "drop"}, "on_error='drop'"),
        ({"preset": "mine", "fusion": "film"}, "fusion='film'"),
        ({"epochs": "many"}, "`epochs` must be an integer"),
    ],
)
def test_settings_out_of_range(setting, message):
    with pytest.raises(ValueError, match=message):
        VisualQARun(data="data", output="output", **setting)
