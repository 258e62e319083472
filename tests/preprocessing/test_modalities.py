import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from mmkeras.preprocessing import ImageConverter
from mmkeras.preprocessing.images.image_modality import ImageModality
from mmkeras.preprocessing.text.text_modality import TextModality
from mmkeras.preprocessing.unreadable import shorten, unreadable

PIXELS = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


def png(pixels=PIXELS):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_keys():
    thermal = ImageModality(key="thermal")
    assert thermal.present_key == "thermal_present"
    assert thermal.features_key == "thermal_features"
    assert thermal.error_key == "thermal_error"
    assert (thermal.id_key, thermal.input_key) == ("thermal_id", "thermals")
    assert thermal.is_in({"thermal_features": 0}) and not thermal.is_in({"image": 0})


@pytest.mark.parametrize(
    ("spec", "batched"),
    [
        ({"image": tf.TensorSpec([], tf.string)}, False),
        ({"image": tf.TensorSpec([None], tf.string)}, True),
        ({"image": tf.TensorSpec([None, None, 3], tf.uint8)}, False),
        ({"image": tf.TensorSpec([None, 8, 8, 3], tf.uint8)}, True),
        ({"image_features": tf.TensorSpec([4, 8], tf.float32)}, False),
        ({"image_features": tf.TensorSpec([None, 4, 8], tf.float32)}, True),
    ],
)
def test_batched_images(spec, batched):
    assert ImageModality().batched(spec) == batched


def test_arrays_become_files_that_can_be_batched():
    modality = ImageModality()
    encoded = modality.batchable(tf.constant(PIXELS))
    np.testing.assert_array_equal(tf.io.decode_png(encoded), PIXELS)
    assert modality.batchable(encoded) is encoded
    assert modality.drop(encoded, tf.constant(False)).numpy() == b""


def test_images_are_loaded_and_decoded_row_by_row(tmp_path):
    (tmp_path / "a.png").write_bytes(png())
    modality = ImageModality(ImageConverter((2, 3)))
    values, names, single = modality.load([tmp_path / "a.png", b"bad", PIXELS])
    assert not single and names[1:] == ["image 1", "image 2"]
    images, errors = modality.decode(tf.constant(values))
    np.testing.assert_allclose(images[0], PIXELS / 255, atol=1e-6)
    np.testing.assert_array_equal(images[2], images[0])
    lines = unreadable(names, errors.numpy())
    assert len(lines) == 1 and lines[0].startswith("image 1: unknown image format")
    # Pixels that are a batch already have no errors.
    images, errors = modality.decode(tf.constant(PIXELS[None]))
    assert errors.numpy().tolist() == [b""]


def test_kept_images_have_the_size_of_the_model():
    converter = ImageConverter((2, 3), scale=[0.5, 1.0, 2.0], offset=-1.0)
    kept = ImageModality(converter).keep(png())
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(kept))), PIXELS)
    assert ImageModality(converter).keep(b"bad") is None
    assert ImageModality(converter).keep(b"") is None


def test_litert_input():
    modality = ImageModality(ImageConverter((2, 3), scale=2.0, offset=1.0))
    specs, description = modality.litert_input()
    assert specs == {"image": tf.TensorSpec([1, 2, 3, 3], tf.uint8, name="image")}
    assert (description["height"], description["width"]) == (2, 3)
    assert (description["scale"], description["offset"]) == (2.0, 1.0)
    images = modality.from_litert({"image": tf.constant(PIXELS[None])})
    np.testing.assert_allclose(images[0], PIXELS * 2.0 + 1.0)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("what?", "what?"),
        (tf.constant([b"what?", b"who?"]), "what?"),
        (np.array([b"what?"]), "what?"),
        (["", "who?"], None),
        ("  ", None),
        ([], None),
        (None, None),
    ],
)
def test_the_first_text_is_kept(value, kept):
    assert TextModality().keep(value) == kept


def test_lists_of_errors_are_shortened():
    lines = unreadable([b"a", "b", 3], [b"x", b"", "é".encode()])
    assert lines == ["a: x", "3: é"]
    assert shorten(lines) == "a: x; 3: é"
    assert shorten(["a", "b", "c", "d", "e"]) == "a; b; c; and 2 more"
