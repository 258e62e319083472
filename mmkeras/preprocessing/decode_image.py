"""Decoding of encoded pictures in graph, the same for training and serving."""

import functools
from collections.abc import Callable

import tensorflow as tf

from mmkeras.preprocessing.count_pixels import count_pixels
from mmkeras.preprocessing.decode_gif import decode_gif
from mmkeras.preprocessing.decode_jpeg import decode_jpeg
from mmkeras.preprocessing.decode_png import decode_png
from mmkeras.preprocessing.decode_webp import decode_webp
from mmkeras.preprocessing.image_format import DECODED_FORMATS, image_format
from mmkeras.preprocessing.require import require
from mmkeras.preprocessing.undecodable_reason import undecodable_reason

IMAGE_MAX_PIXELS = 100_000_000


_DECODERS = {
    "JPEG": decode_jpeg,
    "PNG": decode_png,
    "GIF": decode_gif,
    "WebP": decode_webp,
}


def decode_image(
    image_bytes: tf.Tensor,
    max_pixels: int = IMAGE_MAX_PIXELS,
    format: str | None = None,
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
        format: One of `DECODED_FORMATS` where `image_format` has told it already,
            which makes a smaller graph, or `None`.

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
    if format is not None:
        return _decode(image_bytes, max_pixels, format)
    code = image_format(image_bytes)
    decoded = code < len(DECODED_FORMATS)
    with require(decoded, undecodable_reason(image_bytes)):
        image_bytes = tf.identity(image_bytes)
    return _for_each_format(code, lambda f: _decode(image_bytes, max_pixels, f))


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
    # A broken header raises; a dataset that drops its failing elements is the
    # one way to survive that in graph. The second element stands in for it.
    counts = tf.data.Dataset.from_tensors(image_bytes).map(
        tf.autograph.experimental.do_not_convert(_count_pixels)
    )
    nothing = tf.data.Dataset.from_tensors(tf.zeros([], tf.int64))
    counts = counts.ignore_errors().concatenate(nothing).batch(2)
    pixels = counts.get_single_element()[0]
    fits = tf.where(pixels > max_pixels, _too_large(max_pixels), "")
    return tf.where(pixels < 1, undecodable_reason(image_bytes), fits)


def _decode(image_bytes: tf.Tensor, max_pixels: int, format: str) -> tf.Tensor:
    pixels = count_pixels(image_bytes, format)
    with require(pixels > 0, undecodable_reason(image_bytes)):
        pixels = tf.identity(pixels)
    with require(pixels <= max_pixels, _too_large(max_pixels)):
        image = _DECODERS[format](tf.identity(image_bytes))
    return tf.ensure_shape(image, [None, None, 3])


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
