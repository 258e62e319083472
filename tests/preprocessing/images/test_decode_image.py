import numpy as np
import pytest
import tensorflow as tf

from mmkeras.preprocessing import decode_image, image_error
from tests.preprocessing.images.wild_images import (
    UNKNOWN,
    jpeg,
    jpeg_claiming,
    noise,
    pillow,
    png,
    png_claiming,
    smooth,
)


def test_rgb_png_is_exact():
    pixels = noise()
    image = decode_image(png(pixels))
    assert image.dtype == tf.uint8
    np.testing.assert_array_equal(image, pixels)


def test_grey_png_has_three_equal_channels():
    pixels = noise(channels=1)
    np.testing.assert_array_equal(
        decode_image(png(pixels)), np.repeat(pixels, 3, axis=2)
    )


def test_palette_png():
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[:2] = (255, 0, 0)
    np.testing.assert_array_equal(decode_image(pillow(pixels, "P", "PNG")), pixels)


def test_alpha_is_composited_over_white():
    pixels = np.array([[[0, 100, 255, 128], [10, 20, 30, 0], [10, 20, 30, 255]]])
    image = decode_image(png(pixels.astype(np.uint8)))
    # alpha 128: (c * 128 + 255 * 127) / 255 = 127 for c = 0;
    # (12800 + 32385) / 255 = 177.2 for c = 100; 255 for c = 255.
    # alpha 0 is white, alpha 255 is the pixel.
    expected = [[[127, 177, 255], [255, 255, 255], [10, 20, 30]]]
    np.testing.assert_array_equal(image, expected)


def test_palette_transparency_is_composited_over_white():
    pixels = np.zeros((4, 4, 3), np.uint8)
    data = pillow(pixels, "P", "PNG", transparency=0)
    np.testing.assert_array_equal(decode_image(data), np.full((4, 4, 3), 255))


def test_16_bit_png_is_scaled_and_rounded():
    pixels = np.array([[[0, 65535, 128]], [[129, 25700, 25957]]], np.uint16)
    # 65535/257 = 255; 128/257 = 0.498 -> 0; 129/257 = 0.502 -> 1;
    # 25700/257 = 100; 25957/257 = 101.
    expected = [[[0, 255, 0]], [[1, 100, 101]]]
    np.testing.assert_array_equal(decode_image(png(pixels)), expected)


def test_16_bit_alpha():
    pixels = np.array([[[0, 0, 0, 0], [0, 0, 0, 65535]]], np.uint16)
    expected = [[[255, 255, 255], [0, 0, 0]]]
    np.testing.assert_array_equal(decode_image(png(pixels)), expected)


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpeg_of_every_kind_becomes_rgb(mode, options):
    pixels = smooth()
    image = decode_image(pillow(pixels, mode, "JPEG", quality=95, **options))
    assert image.shape == pixels.shape
    assert np.abs(image.numpy().astype(int) - pixels).max() <= 6


def test_in_graph():
    pixels = noise()
    dataset = tf.data.Dataset.from_tensors(png(pixels)).map(decode_image)
    assert dataset.element_spec.shape.as_list() == [None, None, 3]
    np.testing.assert_array_equal(next(iter(dataset)), pixels)


BAD = {
    "empty image": b"",
    "unknown image format: convert the image to JPEG or PNG": UNKNOWN,
    "image has more than 1000000 pixels": png_claiming(2000, 3000),
}


@pytest.mark.parametrize("message", BAD)
def test_invalid_header(message):
    assert image_error(BAD[message], 1_000_000).numpy().decode().startswith(message)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        decode_image(BAD[message], 1_000_000)
    in_graph = tf.function(lambda data: decode_image(data, 1_000_000))
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        in_graph(tf.constant(BAD[message]))


def test_pixel_limit_of_jpeg():
    data = jpeg_claiming(60_000, 60_000)
    assert b"more than 100000000 pixels" in image_error(data).numpy()
    with pytest.raises(tf.errors.InvalidArgumentError, match="more than 100000000"):
        decode_image(data)


def test_pixel_limit_is_inclusive():
    data = png(noise(10, 14))
    assert image_error(data, 140).numpy() == b""
    assert b"more than 139 pixels" in image_error(data, 139).numpy()


def test_png_sides_beyond_31_bits_are_corrupt():
    data = png_claiming((1 << 32) - 1, (1 << 32) - 1)
    assert image_error(data).numpy() == b"corrupt or truncated PNG data"


@pytest.mark.parametrize("encode", [png, jpeg])
def test_truncated_header(encode):
    data = encode(noise())[:12]
    kind = "PNG" if encode is png else "JPEG"
    assert image_error(data).numpy().decode() == f"corrupt or truncated {kind} data"


@pytest.mark.parametrize("encode", [png, jpeg])
def test_valid_header(encode):
    assert image_error(encode(noise())).numpy() == b""


@pytest.mark.parametrize("encode", [png, jpeg])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_truncated_data_does_not_decode(encode, share):
    data = encode(smooth())
    with pytest.raises(tf.errors.InvalidArgumentError, match="PNG|png|JPEG|jpeg"):
        decode_image(data[: int(len(data) * share)])
