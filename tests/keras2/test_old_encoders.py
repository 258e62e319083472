"""Keras 2 models as encoders, from the file to the preset and the SavedModel."""

import shutil
import sys

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from mmkeras.cli.main import main
from mmkeras.models import ImageCaptioner, VisualQA
from mmkeras.models.encoders.image_encoders import build_image_encoder
from mmkeras.models.encoders.text_encoders import build_text_encoder
from mmkeras.preprocessing import BertTokenizer, WordTokenizer
from tests.keras2 import old_models

WORDS = "how many what is there shape color the of a circle square red blue ?".split()
VOCABULARY = ["[PAD]", "[UNK]", *WORDS[:-1]]
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]


@pytest.fixture
def folder(tmp_path):
    old_models.small_cnn().save(tmp_path / "cnn.h5")
    old_models.text_model().save(tmp_path / "text.h5")
    return tmp_path


def forget(folder, monkeypatch):
    """Removes the old files and tf_keras."""
    for path in folder.glob("*.h5"):
        path.unlink()
    for name in [name for name in sys.modules if name.split(".")[0] == "tf_keras"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tf_keras", None)
    with pytest.raises(ImportError):
        import tf_keras  # noqa: F401


def test_captioner(folder, images, monkeypatch, capsys):
    photos = folder / "photos"
    photos.mkdir()
    rows = [f"{i}.png,image {i}" for i in range(8)]
    (photos / "captions.csv").write_text("\n".join(["image,caption", *rows]), "utf-8")
    for i, image in enumerate(images[:8]):
        (photos / f"{i}.png").write_bytes(image)
    command = ["train", "captioner", "--data", str(photos), "--epochs", "1"]
    command += ["--validation-fraction", "0", "--hidden-dim", "16", "--num-layers", "1"]
    command += ["--batch-size", "2"]
    command += ["--trainable-encoder", "--output", str(folder / "preset")]
    assert main([*command, "--image-encoder", str(folder / "no_such.h5")]) != 0
    assert "no_such.h5" in capsys.readouterr().err
    old = tf_keras.models.load_model(folder / "cnn.h5", compile=False)
    kernel = old.get_layer("block/depthwise").get_weights()[0]
    assert main([*command, "--image-encoder", str(folder / "cnn.h5")]) == 0
    forget(folder, monkeypatch)
    captioner = ImageCaptioner.from_preset(folder / "preset")
    encoder = captioner.backbone.image_encoder
    trained = encoder.model.get_layer("block_depthwise").get_weights()[0]
    assert encoder.trainable and 0 < np.abs(trained - kernel).max() < 0.1
    written = captioner.generate(images[0])
    assert set(written.split()) <= {"image", *map(str, range(8))}


def test_visual_qa(folder, dataset, images, monkeypatch):
    vqa = VisualQA.from_data(
        dataset,
        image_encoder=folder / "cnn.h5",
        text_encoder=(str(folder / "text.h5"), WordTokenizer(VOCABULARY)),
        hidden_dim=16,
        seed=0,
    )
    assert not vqa.backbone.text_encoder.trainable_weights
    assert not vqa.backbone.image_encoder.trainable_weights
    question = "what color is the circle?"
    expected = vqa.answer(images[0], question)
    vqa.save_to_preset(folder / "preset")
    forget(folder, monkeypatch)
    VisualQA.from_preset(folder / "preset").export(folder / "served")
    served = tf.saved_model.load(str(folder / "served"))
    answer = served.signatures["serving_default"](
        image_bytes=tf.constant(images[:1]), question=tf.constant([question])
    )
    assert answer["answer"].numpy()[0].decode() == expected
    assert float(answer["score"][0]) == pytest.approx(expected.score, abs=1e-5)


def test_folder_is_read_like_a_file(folder):
    tf_keras.models.load_model(folder / "cnn.h5", compile=False).save(folder / "old")
    encoder, scale, offset = build_image_encoder(str(folder / "old"))
    assert (encoder.rows, encoder.channels, scale, offset) == (8, 6, 1.0, 0.0)
    assert not encoder.trainable
    shutil.rmtree(folder / "old")
    assert encoder(np.zeros((1, 32, 32, 3), "float32")).shape == (1, 64, 6)


def test_vector_is_one_region(tmp_path):
    x = tf_keras.Input((8, 8, 3))
    scaled = tf_keras.layers.Rescaling(1 / 255)(x)
    maps = tf_keras.layers.Conv2D(5, 3, name="last_map")(scaled)
    pooled = tf_keras.layers.GlobalAveragePooling2D()(maps)
    old = tf_keras.Model(x, pooled)
    old.save(tmp_path / "old.h5")
    with pytest.warns(UserWarning, match=r"single region.*'last_map', \(6, 6, 5\)"):
        encoder, _, _ = build_image_encoder(tmp_path / "old.h5")
    images = np.random.default_rng(0).uniform(size=(2, 8, 8, 3)).astype("float32")
    np.testing.assert_allclose(encoder(images), old(images)[:, None], atol=1e-6)


def test_missing_scaling_of_pixels(folder, recwarn):
    build_image_encoder(folder / "cnn.h5")
    assert not [w for w in recwarn if "pixels" in str(w.message)]
    x = tf_keras.Input((8, 8, 3))
    tf_keras.Model(x, tf_keras.layers.Conv2D(5, 3)(x)).save(folder / "plain.h5")
    with pytest.warns(UserWarning, match="plain.h5 does not scale its pixels"):
        build_image_encoder(folder / "plain.h5")


def test_unknown_image_size(tmp_path):
    x = tf_keras.Input((None, None, 3))
    maps = tf_keras.layers.Conv2D(5, 3)(tf_keras.layers.Rescaling(1 / 255)(x))
    tf_keras.Model(x, maps).save(tmp_path / "old.h5")
    with pytest.raises(ValueError, match="of any size. Set `image_size`"):
        build_image_encoder(tmp_path / "old.h5")
    encoder, _, _ = build_image_encoder(tmp_path / "old.h5", image_size=10)
    assert (encoder.image_size, encoder.rows) == (10, 8)


@pytest.mark.parametrize("shape", [(8, 10, 3), (8, 8, 1), (8,)])
def test_inputs_other_than_square_color_images(shape, tmp_path):
    x = tf_keras.Input(shape)
    tf_keras.Model(x, tf_keras.layers.Dense(5)(x)).save(tmp_path / "old.h5")
    with pytest.raises(ValueError, match="old.h5 must be square color images"):
        build_image_encoder(tmp_path / "old.h5")


def test_tokenizer_of_another_model(folder):
    # The model embeds 20 tokens.
    tokenizer = WordTokenizer(["[PAD]", "[UNK]", *"abcdefghijklmnopqrs"])
    with pytest.raises(ValueError, match="21 tokens, .* embeds 20"):
        build_text_encoder((folder / "text.h5", tokenizer))


def test_missing_files(tmp_path):
    with pytest.raises(ValueError, match="the path of a Keras 2 model"):
        build_image_encoder("resnet9000")
    with pytest.raises(FileNotFoundError, match="no_such/old"):
        build_image_encoder("no_such/old")
    with pytest.raises(FileNotFoundError, match="no_such.h5"):
        build_text_encoder(("no_such.h5", BertTokenizer(PIECES)))
    with pytest.raises(ValueError, match="and its tokenizer"):
        build_text_encoder("no_such.h5")
