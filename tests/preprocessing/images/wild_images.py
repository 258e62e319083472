"""Small encoded images for the tests of this folder."""

import io

import numpy as np
import tensorflow as tf
from PIL import Image


def noise(height=10, width=14, channels=3, seed=0):
    shape = (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def smooth(height=40, width=60):
    rows = np.linspace(0, 255, height)[:, None, None]
    columns = np.linspace(0, 255, width)[None, :, None]
    return ((rows + columns) / 2 * np.ones(3)).astype(np.uint8)


def png(pixels):
    return tf.io.encode_png(pixels).numpy()


def jpeg(pixels):
    return tf.io.encode_jpeg(pixels, quality=95).numpy()


def pillow(pixels, mode, format, **options):
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, format, **options)
    return stream.getvalue()


def jpeg_claiming(height, width):
    """A small JPEG whose header states another size.

    The frame header is FFC0, length (2), precision (1), height (2), width (2).
    """
    data = bytearray(jpeg(smooth()))
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return bytes(data)


def png_claiming(height, width):
    """A small PNG whose header states another size."""
    data = bytearray(png(noise()))
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return bytes(data)


UNKNOWN = b"not an image at all"
