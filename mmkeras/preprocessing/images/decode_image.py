"""Decoding of encoded pictures in graph, the same for training and serving."""

import functools
from collections.abc import Callable

import tensorflow as tf

from mmkeras.preprocessing.images.count_pixels import count_pixels
from mmkeras.preprocessing.images.decode_gif import decode_gif
from mmkeras.preprocessing.images.decode_jpeg import decode_jpeg
from mmkeras.preprocessing.images.decode_png import decode_png
from mmkeras.preprocessing.images.decode_webp import decode_webp
from mmkeras.preprocessing.images.exif_orientation import exif_orientation
from mmkeras.preprocessing.images.image_format import DECODED_FORMATS, image_format
from mmkeras.preprocessing.images.undecodable_reason import (
    corrupt_reason,
    undecodable_reason,
)
from mmkeras.preprocessing.require import require

IMAGE_MAX_PIXELS = 100_000_000


def decode_image(
    image_bytes: tf.Tensor, max_pixels: int = IMAGE_MAX_PIXELS
) -> tf.Tensor:
    """Decode one JPEG, PNG, GIF or still WebP picture to RGB, in graph.

    The format is told by the first bytes, never by a file name. A JPEG is turned
    as its EXIF orientation says. Grey and CMYK become RGB, 16 bits are rounded
    to 8, what is transparent is composited over white, and of an animated GIF
    the first frame is taken. The number of pixels is read from the header and
    checked before anything is decoded.

    Args:
        image_bytes: Scalar `tf.string`, the encoded picture.
        max_pixels: int. Largest `height * width` that is decoded.

    Returns:
        `uint8` tensor of shape `[height, width, 3]`.

    Raises:
        tf.errors.InvalidArgumentError: If the bytes are empty, of another format
            (the message names it and the way to convert it), larger than
            `max_pixels`, or corrupt or truncated.

    Example:

    >>> picture = decode_image(tf.io.read_file("cat.jpg"))
    >>> picture.dtype, picture.shape
    (tf.uint8, TensorShape([480, 640, 3]))
    """
    image_bytes = tf.ensure_shape(tf.convert_to_tensor(image_bytes, tf.string), [])
    code = image_format(image_bytes)
    decoded = code < len(DECODED_FORMATS)
    with require(decoded, undecodable_reason(image_bytes)):
        image_bytes = tf.identity(image_bytes)
    orientation = exif_orientation(tf.expand_dims(image_bytes, 0))[0]
    return _for_each_format(
        code, lambda format: decode_format(image_bytes, max_pixels, format, orientation)
    )


def decode_format(
    image_bytes: tf.Tensor, max_pixels: int, format: str, orientation: tf.Tensor
) -> tf.Tensor:
    """Decode a picture of a format that is known, as `decode_image` does.

    Args:
        image_bytes: Scalar `tf.string`, the encoded picture.
        max_pixels: int. Largest `height * width` that is decoded.
        format: One of `DECODED_FORMATS`.
        orientation: Scalar `int32`, as `exif_orientation` reads it of a JPEG.

    Returns:
        `uint8` tensor of shape `[height, width, 3]`.

    Raises:
        tf.errors.InvalidArgumentError: As for `decode_image`.
    """
    if format == "JPEG":
        # One fast operation, and no matter that it raises at a broken header.
        shape = tf.image.extract_jpeg_shape(image_bytes, tf.int64)
        pixels = shape[0] * shape[1]
    else:
        pixels = count_pixels(image_bytes, format)
    with require(pixels > 0, corrupt_reason(format)):
        pixels = tf.identity(pixels)
    with require(pixels <= max_pixels, _too_large(max_pixels)):
        image_bytes = tf.identity(image_bytes)
    decoders = {"PNG": decode_png, "GIF": decode_gif, "WebP": decode_webp}
    if format == "JPEG":
        image = decode_jpeg(image_bytes, orientation)
    else:
        image = decoders[format](image_bytes)
    return tf.ensure_shape(image, [None, None, 3])


def image_error(
    image_bytes: tf.Tensor, max_pixels: int = IMAGE_MAX_PIXELS
) -> tf.Tensor:
    """Say what the header of an encoded picture is refused for, if anything.

    Only the header is read: a picture whose pixels are damaged passes here and
    fails when it is decoded.

    Args:
        image_bytes: Scalar `tf.string`, the encoded picture.
        max_pixels: int. Largest `height * width` that is accepted.

    Returns:
        Scalar `tf.string`, empty when the header is fine.
    """
    image_bytes = tf.ensure_shape(tf.convert_to_tensor(image_bytes, tf.string), [])
    pixels = _count_pixels(image_bytes)
    fits = tf.where(pixels > max_pixels, _too_large(max_pixels), "")
    return tf.where(pixels < 1, undecodable_reason(image_bytes), fits)


def _count_pixels(image_bytes: tf.Tensor) -> tf.Tensor:
    code = image_format(image_bytes)
    return tf.cond(
        code < len(DECODED_FORMATS),
        lambda: _for_each_format(code, lambda f: count_pixels(image_bytes, f)),
        lambda: tf.zeros([], tf.int64),
    )


def _for_each_format(
    code: tf.Tensor, function: Callable[[str], tf.Tensor]
) -> tf.Tensor:
    return tf.switch_case(
        code, [functools.partial(function, format) for format in DECODED_FORMATS]
    )


def _too_large(max_pixels: int) -> str:
    return f"image has more than {max_pixels} pixels: make it smaller"
