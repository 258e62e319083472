"""A folder of 200 tiny pictures, 4 of which are broken in four ways."""

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
    for number, picture in enumerate(pixels):
        data = tf.io.encode_png(picture).numpy()
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


def test_skipped_pictures_are_counted_in_every_epoch(captioner, data):
    options = {"batch_size": 32, "verbose": 0, "on_error": "skip"}
    with pytest.warns(UserWarning, match="4 images could not be used") as caught:
        history = captioner.fit(data, validation_data=data, epochs=2, **options)
    assert history.history["skipped_images"] == [4, 4]
    # 101 has two captions, and is still one picture.
    assert history.history["val_skipped_images"] == [4, 4]
    said = [str(w.message) for w in caught if "left out of training" in str(w.message)]
    assert len(said) == 1
    assert "003.png: empty image; 057.png: HTML page, not a picture" in said[0]
    assert said[0].endswith("101.png: corrupt or truncated PNG data; and 1 more.")


def test_evaluation_skips_too(captioner, data):
    with pytest.warns(UserWarning, match="left out of the evaluation"):
        found = captioner.evaluate(data, verbose=0, on_error="skip")
    assert found["skipped_images"] == 4
    good = data.filter(lambda x: ~tf.reduce_any(x["image_id"] == names()))
    assert found["loss"] == pytest.approx(captioner.evaluate(good, verbose=0)["loss"])


def names():
    return [f"{number:03}.png" for number in BROKEN]


def test_raising_names_the_file(captioner, data):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"image_id \d+.png: "):
        captioner.fit(data, batch_size=32, verbose=0)


def test_nothing_to_train_on(captioner, data):
    bad = data.filter(lambda x: tf.reduce_any(x["image_id"] == names()))
    bad = bad.apply(tf.data.experimental.assert_cardinality(4))
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="None of the pict"):
        captioner.fit(bad, verbose=0, on_error="skip")


def test_a_wrong_word(captioner, data):
    for verb in (captioner.fit, captioner.evaluate):
        with pytest.raises(ValueError, match="`on_error` must be 'raise' or 'skip'"):
            verb(data, on_error="ignore")
    with pytest.raises(ValueError, match="`on_error` must be 'raise' or 'skip'"):
        captioner.generate(b"", on_error="ignore")


def test_generate_gives_none_for_a_bad_picture(captioner, folder):
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


def test_the_command(folder, tmp_path, capsys):
    flags = "--image-size 16 --hidden-dim 8 --num-layers 1 --epochs 1".split()
    output = str(tmp_path / "preset")
    with pytest.warns(UserWarning, match="left out of training"):
        assert not main(
            ["train", "captioner", "--data", str(folder), "--output", output]
            + [*flags, "--on-error", "skip"]
        )
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
