import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from mmkeras.preprocessing import ImageConverter
from mmkeras.runtime.read_image import read_image


def encoded(image, format, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def drawn(width, height, mode="RGB"):
    """Smooth waves, for which resizing matters more than rounding."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    waves = [127 + 120 * np.sin(x / a + y / b) for a, b in ((9, 7), (5, 12), (14, 6))]
    image = Image.fromarray(np.stack(waves, -1).astype(np.uint8))
    if mode == "RGBA":
        image.putalpha(Image.fromarray(((x * 3) % 256).astype(np.uint8)))
    return image.convert(mode)


def rotated():
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(drawn(90, 60), "JPEG", quality=95, exif=exif)


def of_16_bits() -> bytes:
    levels = np.arange(60 * 90, dtype=np.uint16).reshape(60, 90) * 12
    return encoded(Image.fromarray(levels), "PNG")


IMAGES = {
    "png": encoded(drawn(90, 60), "PNG"),
    "small png, scaled up": encoded(drawn(20, 30), "PNG"),
    "png of the size": encoded(drawn(48, 48), "PNG"),
    "jpeg": encoded(drawn(200, 130), "JPEG", quality=95),
    "grey jpeg": encoded(drawn(90, 60, "L"), "JPEG", quality=95),
    "jpeg rotated by exif": rotated(),
    "png with alpha": encoded(drawn(90, 60, "RGBA"), "PNG"),
    "png with a palette": encoded(drawn(90, 60, "P"), "PNG"),
    "png of 16 bits": of_16_bits(),
    "gif": encoded(drawn(90, 60, "P"), "GIF"),
    "webp": encoded(drawn(90, 60), "WEBP", lossless=True),
}


@pytest.mark.parametrize("crop", [False, True])
@pytest.mark.parametrize("name", IMAGES)
def test_pixels_equal_the_graph(name, crop):
    converter = ImageConverter(48, scale=1.0, crop_to_aspect_ratio=crop)
    wanted, error = converter.convert(tf.constant([IMAGES[name]]))
    assert error.numpy().tolist() == [b""]
    found = read_image(IMAGES[name], 48, 48, crop)
    assert found.dtype == np.uint8 and found.shape == (1, 48, 48, 3)
    # The output and Pillow's first pass are rounded.
    assert np.abs(found - wanted.numpy()).max() <= 2.0
    assert np.abs(found - wanted.numpy()).mean() <= 0.5


def test_paths_bytes_and_arrays_are_equal(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(IMAGES["png"])
    array = np.asarray(Image.open(path))
    for image in (str(path), path, IMAGES["png"], array):
        np.testing.assert_array_equal(
            read_image(image, 48, 48), read_image(path, 48, 48)
        )


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "empty, or not JPEG"),
        (b"not an image", "empty, or not JPEG"),
        (encoded(drawn(9, 9), "BMP"), "empty, or not JPEG"),
        (IMAGES["png"][:300], "Cannot read the image"),
    ],
)
def test_unreadable_images(data, reason):
    with pytest.raises(ValueError, match=reason):
        read_image(data, 48, 48)


def chunk(kind, data) -> bytes:
    size, check = len(data), zlib.crc32(kind + data)
    return struct.pack(">I", size) + kind + data + struct.pack(">I", check)


@pytest.mark.parametrize("side", [11_000, 20_000])
def test_decompression_bombs_are_refused_by_their_header(side):
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)
    with pytest.raises(ValueError, match="more than 100,000,000"):
        read_image(data, 48, 48)


def test_animated_webp_is_refused():
    frames = [drawn(20, 20), drawn(20, 20).rotate(90)]
    data = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match="animated WebP"):
        read_image(data, 48, 48)


def test_missing_file_and_wrong_array(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.png"):
        read_image(tmp_path / "none.png", 48, 48)
    with pytest.raises(ValueError, match="float64"):
        read_image(np.zeros([4, 4, 3]), 48, 48)
