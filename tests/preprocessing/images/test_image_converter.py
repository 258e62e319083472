import keras
import numpy as np
import pytest
import tensorflow as tf

from mmkeras.preprocessing import ImageConverter
from tests.preprocessing.images.wild_images import (
    UNKNOWN,
    jpeg,
    noise,
    png,
    png_claiming,
    smooth,
)

CORRUPT = png(smooth())[:100]
ROWS = [
    png(noise(9, 7)),
    b"",
    UNKNOWN,
    CORRUPT,
    jpeg(smooth()),
    jpeg(smooth())[:300],
    png_claiming(1 << 20, 1 << 20),
]
ERRORS = [
    b"",
    b"empty image",
    b"unknown image format: convert the image to JPEG or PNG",
    b"corrupt or truncated PNG data",
    b"",
    b"corrupt or truncated JPEG data",
    b"image has more than 100000000 pixels: make it smaller",
]


def test_resize_and_scale_by_hand():
    # Halving with an antialiased triangle of radius 2 weights the four pixels of a
    # row 3/7, 3/7, 1/7, 0 for the first output (centres 0.5, 1.5, 2.5 away from
    # 1.0 by 0.5, 0.5, 1.5: weights 0.75, 0.75, 0.25 of sum 1.75).
    pixels = np.array([0, 70, 140, 210], np.uint8)[None, None, :, None]
    pixels = np.tile(pixels, (1, 4, 1, 3))
    images = ImageConverter(2, scale=1 / 10, offset=-1.0)(pixels)
    # (0 * 3 + 70 * 3 + 140) / 7 = 50 and by symmetry 210 - 50 = 160;
    # / 10 - 1 gives 4 and 15.
    expected = np.tile(np.array([4.0, 15.0])[None, None, :, None], (1, 2, 1, 3))
    np.testing.assert_allclose(images, expected, atol=1e-5)


def test_scale_per_channel():
    pixels = np.full((1, 4, 4, 3), 100, np.uint8)
    images = ImageConverter(4, scale=[0.1, 0.2, 0.3], offset=[1, 2, 3])(pixels)
    # 100 * 0.1 + 1, 100 * 0.2 + 2, 100 * 0.3 + 3
    np.testing.assert_allclose(images[0, 0, 0], [11, 22, 33], rtol=1e-6)


@pytest.mark.parametrize("size", [10, 6, 24])
def test_pixels_equal_their_png(size):
    pixels = np.stack([noise(10, 10, seed=i) for i in range(3)])
    converter = ImageConverter(size)
    images = converter(pixels)
    assert images.dtype == tf.float32 and images.shape == (3, size, size, 3)
    np.testing.assert_array_equal(images, converter([png(p) for p in pixels]))


def test_ragged_pixels():
    pixels = [noise(5, 8), noise(12, 4)]
    spec = tf.TensorSpec([None, None, 3], tf.uint8)
    rows = tf.data.Dataset.from_generator(lambda: pixels, output_signature=spec)
    ragged = next(iter(rows.ragged_batch(2)))
    converter = ImageConverter(6)
    np.testing.assert_array_equal(
        converter(ragged), converter([png(p) for p in pixels])
    )


def test_unbatched_and_grey():
    converter = ImageConverter(6)
    pixels = noise()
    np.testing.assert_array_equal(converter(png(pixels)), converter(pixels))
    grey = noise(channels=1)
    np.testing.assert_array_equal(converter(grey), converter(np.repeat(grey, 3, 2)))


def test_crop_to_aspect_ratio():
    # A black image with white outer thirds; its central square is black.
    pixels = np.zeros((1, 4, 12, 3), np.uint8)
    pixels[:, :, :4] = pixels[:, :, 8:] = 255
    # Two thirds of the image are white; resizing preserves the mean.
    assert np.mean(ImageConverter(4)(pixels)) == pytest.approx(2 / 3, abs=0.01)
    cropped = ImageConverter(4, crop_to_aspect_ratio=True)
    assert np.max(cropped(pixels)) == 0
    upright = np.transpose(pixels, (0, 2, 1, 3))
    assert np.max(cropped(upright)) == 0


def test_rows_fail_independently():
    converter = ImageConverter(8)
    images, error = converter.convert(tf.constant(ROWS))
    assert error.numpy().tolist() == ERRORS
    np.testing.assert_array_equal(images[0], converter(ROWS[0]))
    np.testing.assert_array_equal(images[4], converter(ROWS[4]))
    for row in (1, 2, 3, 5, 6):
        assert np.all(images[row] == 0)


@pytest.mark.parametrize("rows", [[], ROWS[1:4]])
def test_batch_without_valid_images(rows):
    images, error = ImageConverter(8).convert(tf.constant(rows, tf.string))
    np.testing.assert_array_equal(images, np.zeros((len(rows), 8, 8, 3)))
    assert error.numpy().tolist() == ERRORS[1 : len(rows) + 1]


def test_convert_in_function_and_in_dataset():
    converter = ImageConverter(8)
    expected, _ = converter.convert(tf.constant(ROWS))
    spec = [tf.TensorSpec([None], tf.string)]
    images, error = tf.function(converter.convert, spec)(tf.constant(ROWS))
    np.testing.assert_array_equal(images, expected)
    assert error.numpy().tolist() == ERRORS
    dataset = tf.data.Dataset.from_tensor_slices(ROWS).batch(4)
    batches = list(dataset.map(converter.convert, num_parallel_calls=2))
    np.testing.assert_array_equal(tf.concat([b[0] for b in batches], 0), expected)
    assert tf.concat([b[1] for b in batches], 0).numpy().tolist() == ERRORS


def test_call_names_invalid_rows_eagerly_and_in_graph():
    message = r"5 of the images cannot be used: row 1: empty image; row 2: unknown"
    converter = ImageConverter(8)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message) as caught:
        converter(ROWS)
    assert len(str(caught.value)) < 1000
    dataset = tf.data.Dataset.from_tensors(ROWS).map(converter)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        next(iter(dataset))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.zeros((1, 4, 4, 3), np.float32), "convert_image_dtype"),
        (np.zeros((1, 4, 4, 4), np.uint8), "1 or 3 channels"),
        (np.zeros((4, 4), np.uint8), "1 or 3 channels"),
    ],
)
def test_wrong_input(inputs, message):
    with pytest.raises(ValueError, match=message):
        ImageConverter(4)(inputs)


@pytest.mark.parametrize("size", [0, -1, (3,), (3, 0), 2.5])
def test_wrong_size(size):
    with pytest.raises(ValueError, match="image_size"):
        ImageConverter(size)


def test_config_round_trip():
    converter = ImageConverter((6, 8), scale=[0.1, 0.2, 0.3], max_pixels=1000)
    config = keras.saving.serialize_keras_object(converter)
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.get_config() == converter.get_config()
    np.testing.assert_array_equal(copy(noise()), converter(noise()))


def test_float32_under_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        assert ImageConverter(4)(noise()).dtype == tf.float32
    finally:
        keras.config.set_dtype_policy("float32")


def test_saved_model_and_v1_loader(tmp_path):
    converter = ImageConverter(8)
    archive = keras.export.ExportArchive()
    archive.track(converter)
    archive.add_endpoint(
        "serving_default",
        lambda image_bytes: dict(
            zip(("images", "error"), converter.convert(image_bytes), strict=True)
        ),
        input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")],
    )
    archive.write_out(str(tmp_path / "1"), verbose=False)
    expected, _ = converter.convert(tf.constant(ROWS))
    served = tf.saved_model.load(str(tmp_path / "1")).signatures["serving_default"]
    for rows in (ROWS, []):
        outputs = served(image_bytes=tf.constant(rows, tf.string))
        np.testing.assert_array_equal(outputs["images"], expected[: len(rows)])
        assert outputs["error"].numpy().tolist() == ERRORS[: len(rows)]

    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(tmp_path / "1"))
        signature = meta.signature_def["serving_default"]
        names = [signature.outputs[key].name for key in ("images", "error")]
        feed = {signature.inputs["image_bytes"].name: np.array(ROWS, object)}
        images, error = session.run(names, feed)
    np.testing.assert_array_equal(images, expected)
    assert error.tolist() == ERRORS
