"""A folder of 200 tiny images, 4 of which are corrupted in four ways."""

import json
import re

import numpy as np
import pytest
import tensorflow as tf

from mmkeras.cli.main import main
from mmkeras.data import from_folder
from mmkeras.models import ImageCaptioner

BROKEN = {3: b"", 57: b"<html>404", 101: None, 160: b"II*\0 a TIFF file"}
SIDE = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    pixels = np.random.default_rng(0).integers(0, 256, [200, SIDE, SIDE, 3], np.uint8)
    rows = ["image,caption"]
    for number, pixels_of_one in enumerate(pixels):
        data = tf.io.encode_png(pixels_of_one).numpy()
        if number in BROKEN:
            data = data[:60] if BROKEN[number] is None else BROKEN[number]
        (folder / f"{number:03}.png").write_bytes(data)
        rows += [f"{number:03}.png,a {'dark' if number % 2 else 'light'} picture"]
        if number % 10 == 1:
            rows.append(f"{number:03}.png,another picture")
    (folder / "captions.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def data(folder):
    return from_folder(folder)


def make(data):
    captioner = ImageCaptioner.from_data(
        data, image_size=SIDE, hidden_dim=8, num_layers=1, seed=0
    )
    # Traced in a fraction of the time that the default takes.
    captioner.compile("sgd", weighted_metrics=None)
    return captioner


@pytest.fixture(scope="module")
def captioner(data):
    return make(data)


def test_skipped_images_are_counted_in_every_epoch(captioner, data):
    options = {"batch_size": 32, "verbose": 0, "on_error": "skip"}
    with pytest.warns(UserWarning, match="4 images could not be used") as caught:
        history = captioner.fit(data, validation_data=data, epochs=2, **options)
    assert history.history["skipped_images"] == [4, 4]
    # 101 has two captions, and is one image.
    assert history.history["val_skipped_images"] == [4, 4]
    messages = [str(w.message) for w in caught]
    (message,) = (line for line in messages if "left out of training" in line)
    assert "003.png: empty image; 057.png: HTML page, not an image" in message
    assert message.endswith("101.png: corrupt or truncated PNG data; and 1 more.")


def test_evaluation_skips_too(captioner, data):
    with pytest.warns(UserWarning, match="left out of the evaluation"):
        found = captioner.evaluate(data, verbose=0, on_error="skip")
    assert found["skipped_images"] == 4
    good = data.filter(lambda x: ~tf.reduce_any(x["image_id"] == names()))
    assert found["loss"] == pytest.approx(captioner.evaluate(good, verbose=0)["loss"])


def names():
    return [f"{number:03}.png" for number in BROKEN]


def test_raising_names_the_file_and_nothing_else(captioner, data):
    listed = r"\d of the images cannot be used: image_id \d+.png: [^\n]*"
    listed += r"\. Replace or remove them"
    for verb in (captioner.fit, captioner.evaluate):
        with pytest.raises(ValueError) as caught:
            verb(data, batch_size=200, verbose=0)
        message = str(caught.value)
        assert re.fullmatch(
            rf"{listed}, or skip them with on_error='skip'\.", message
        ), message
    # It cannot skip.
    with pytest.raises(ValueError) as caught:
        captioner.predict(data, batch_size=200, verbose=0)
    assert re.fullmatch(rf"{listed}\.", str(caught.value)), caught.value


def test_raising_decodes_names_that_are_not_ascii(captioner):
    row = {"image": b"bad", "image_id": "海滩.png", "caption": "a dark picture"}
    data = tf.data.Dataset.from_tensors(row)
    with pytest.raises(ValueError, match="image_id 海滩.png: unknown image format"):
        captioner.fit(data, verbose=0)


def test_nothing_to_train_on(captioner, data):
    bad = data.filter(lambda x: tf.reduce_any(x["image_id"] == names()))
    bad = bad.apply(tf.data.experimental.assert_cardinality(4))
    with (
        pytest.warns(UserWarning),
        pytest.raises(ValueError, match="None of the images"),
    ):
        captioner.fit(bad, verbose=0, on_error="skip")


def test_an_unknown_option(captioner, data):
    for verb in (captioner.fit, captioner.evaluate):
        with pytest.raises(ValueError, match="`on_error` must be 'raise' or 'skip'"):
            verb(data, on_error="ignore")
    with pytest.raises(ValueError, match="'raise', 'skip' or 'return'"):
        captioner.generate(b"", on_error="ignore")


def test_generate_returns_none_for_a_bad_image(captioner, folder):
    paths = [folder / f"{number:03}.png" for number in (2, 3, 4)]
    found = captioner.generate(paths, on_error="skip")
    assert found[1] is None
    assert found[::2] == captioner.generate(paths[::2])


def test_on_two_replicas(data):
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        captioner = make(data)
    with pytest.warns(UserWarning, match="4 images could not be used"):
        history = captioner.fit(
            data, batch_size=32, epochs=2, verbose=0, on_error="skip"
        )
    assert history.history["skipped_images"] == [4, 4]


# The command prints warnings, which are no errors then.
@pytest.mark.filterwarnings("always::UserWarning")
def test_the_command(folder, tmp_path, capsys):
    flags = "--image-size 16 --hidden-dim 8 --num-layers 1 --epochs 1".split()
    output = str(tmp_path / "preset")
    assert not main(
        ["train", "captioner", "--data", str(folder), "--output", output]
        + [*flags, "--on-error", "skip"]
    )
    assert "left out of training" in capsys.readouterr().err
    history = json.loads((tmp_path / "preset" / "history.json").read_text())
    skipped = history["skipped_images"] + history["val_skipped_images"]
    assert sum(skipped) == 4
    capsys.readouterr()
    paths = [str(folder / f"{number:03}.png") for number in (2, 3, 4)]
    assert main(["caption", output, *paths]) == 1
    assert main(["caption", output, *paths, "--on-error", "skip"]) == 0
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 4
    assert re.search(r"003.png: empty image", said.err)
    assert "mmkeras: skipped 1 of 3 images" in said.err


COMMANDS = {
    "captioner": ["captions.csv", "image,caption", "a {} picture"],
    "vqa": ["questions.csv", "image,question,answer", "how is it?,{}"],
}


@pytest.mark.parametrize(
    # Both go through the same `fit`; each takes half a minute.
    "task",
    ["captioner", pytest.param("vqa", marks=pytest.mark.slow)],
)
@pytest.mark.filterwarnings("always::UserWarning")
def test_training_names_a_corrupted_image_and_skips_it(task, tmp_path, capsys):
    table, header, text = COMMANDS[task]
    photos, output = tmp_path / "photos", tmp_path / "preset"
    photos.mkdir()
    rows = [header]
    for number in range(8):
        data = tf.io.encode_png(np.full([SIDE, SIDE, 3], 30 * number, np.uint8)).numpy()
        (photos / f"{number}.png").write_bytes(data[:60] if number == 3 else data)
        rows.append(f"{number}.png,{text.format('dark' if number < 4 else 'light')}")
    (photos / table).write_text("\n".join(rows) + "\n")
    call = ["train", task, "--data", str(photos), "--output", str(output)]
    call += "--image-size 16 --hidden-dim 8 --num-layers 1 --epochs 1".split()
    call += ["--validation-fraction", "0"]
    assert main(call) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == (
        "mmkeras: error: 1 of the images cannot be used: image_id 3.png: corrupt or "
        "truncated PNG data. Replace or remove them, or skip them with --on-error skip."
    )
    assert not main([*call, "--on-error", "skip"])
    assert "left out of training: 3.png: corrupt" in capsys.readouterr().err
    history = json.loads((output / "history.json").read_text())
    assert history["skipped_images"] == [1]
    measure = ["evaluate", str(output), "--data", str(photos)]
    capsys.readouterr()
    assert main(measure) == 2
    assert "3.png: corrupt or truncated PNG data" in capsys.readouterr().err
    if task == "captioner":
        measure += ["--metrics", "BLEU-1"]
    assert main([*measure, "--on-error", "skip"]) == 0
    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == (
        "mmkeras: skipped 3.png: corrupt or truncated PNG data"
    )
    report = json.loads(said.out)
    assert report["skipped_images"] == 1
    assert report.get("questions", 7) == 7
    assert ("BLEU-1" in report) == (task == "captioner")
