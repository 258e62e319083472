"""The code in docs/old_models.md is executed."""

import csv
import pathlib
import re

import pytest
import tensorflow as tf
import tf_keras

from tests.keras2 import old_models

ROOT = pathlib.Path(__file__).resolve().parents[1]
WORDS = "[PAD] <OOV> what is on the beach".split()


@pytest.fixture
def place(tmp_path):
    photos, old = tmp_path / "photos", tmp_path / "old"
    photos.mkdir()
    old.mkdir()
    for name, columns in {
        "captions": ["image", "caption"],
        "questions": ["image", "question", "answer"],
    }.items():
        with (photos / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(columns)
            for i in range(4):
                table.writerow([f"{i}.jpg", "what is it", str(i)][: len(columns)])
    for i in range(4):
        pixels = tf.fill([32, 32, 3], tf.cast(i * 60, tf.uint8))
        (photos / f"{i}.jpg").write_bytes(tf.io.encode_jpeg(pixels).numpy())
    old_models.small_cnn().save(old / "cnn.h5")
    old_models.text_model().save(old / "text.h5")
    for name, side in {"classifier": 32, "any_size": None}.items():
        x = tf_keras.Input((side, side, 3))
        y = tf_keras.layers.Conv2D(4, 3, name="last_map")(x)
        if side:
            y = tf_keras.layers.GlobalAveragePooling2D()(y)
        tf_keras.Model(x, y).save(old / f"{name}.h5")
    (old / "words.txt").write_text("\n".join(WORDS), "utf-8")
    return tmp_path


def test_python(place, monkeypatch):
    monkeypatch.chdir(place)
    text = (ROOT / "docs" / "old_models.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    names = {}
    for code in blocks:
        exec(compile(code, "old_models.md", "exec"), names)
    assert len(blocks) == 4
    assert names["model"].output_shape == (None, 62, 62, 4)
    encoder = names["captioner"].backbone.image_encoder
    assert encoder.channels == 6 and not encoder.trainable_weights
    assert names["vqa"].backbone.text_encoder.dim == 6
