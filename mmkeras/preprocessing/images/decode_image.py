from __future__ import annotations

import functools
from collections.abc import Callable

import tensorflow as tf

from mmkeras.preprocessing.images.count_pixels import count_pixels
from mmkeras.preprocessing.images.decode_gif import decode_gif
from mmkeras.preprocessing.images.exif_orientation import exif_orientation
from mmkeras.preprocessing.images.image_format import DECODED_FORMATS, image_format
from mmkeras.preprocessing.images.read_bytes import read_bytes
from mmkeras.preprocessing.images.undecodable_reason import (
    corrupt_reason,
    undecodable_reason,
)
from mmkeras.preprocessing.require import require

IMAGE_MAX_PIXELS = 100_000_000
_PNG_BIT_DEPTH = 24


def decode_image(
    image_bytes: tf.Tensor, max_pixels: int = IMAGE_MAX_PIXELS
) -> tf.Tensor:
    """Decodes a JPEG, PNG, GIF or still WebP image to RGB, in graph.

    The format is detected from the first bytes, never from a file name. JPEG images
    are rotated by their EXIF orientation, grey and CMYK images are converted to RGB,
    16 bits are rounded to 8, transparent images are composited over white, and of an
    animated GIF the first frame is decoded. The number of pixels is read from the
    header and checked before anything is decoded.

    Args:
        image_bytes: string scalar, the encoded image.
        max_pixels: int, the largest `height * width` that is decoded.

    Returns:
        uint8 `[height, width, 3]`.

    Raises:
        tf.errors.InvalidArgumentError: if the bytes are empty, corrupt or truncated,
            larger than `max_pixels`, or of another format. The message names the
            format and a way to convert it.

    Example:
        ```python
        image = decode_image(tf.io.read_file("cat.jpg"))
        image.dtype, image.shape  # (tf.uint8, TensorShape([480, 640, 3]))
        ```
    """
    image_bytes = tf.ensure_shape(tf.convert_to_tensor(image_bytes, tf.string), [])
    code = image_format(image_bytes)
    is_decoded = code < len(DECODED_FORMATS)
    with require(is_decoded, undecodable_reason(image_bytes)):
        image_bytes = tf.identity(image_bytes)
    orientation = exif_orientation(tf.expand_dims(image_bytes, 0))[0]
    return _for_each_format(
        code, lambda format: decode_format(image_bytes, max_pixels, format, orientation)
    )


def decode_format(
    image_bytes: tf.Tensor, max_pixels: int, format: str, orientation: tf.Tensor
) -> tf.Tensor:
    """Decodes an image of a known format, as `decode_image` does.

    Args:
        image_bytes: string scalar, the encoded image.
        max_pixels: int, the largest `height * width` that is decoded.
        format: string, one of `DECODED_FORMATS`.
        orientation: int32 scalar, of `exif_orientation`; used for JPEG only. Reading it
            for a batch of files costs little more than for one.

    Returns:
        uint8 `[height, width, 3]`.

    Raises:
        tf.errors.InvalidArgumentError: as for `decode_image`.
    """
    if format == "JPEG":
        # A single fast operation; it may raise for a corrupt header.
        shape = tf.image.extract_jpeg_shape(image_bytes, tf.int64)
        pixels = shape[0] * shape[1]
    else:
        pixels = count_pixels(image_bytes, format)
    with require(pixels > 0, corrupt_reason(format)):
        pixels = tf.identity(pixels)
    with require(pixels <= max_pixels, _too_large(max_pixels)):
        image_bytes = tf.identity(image_bytes)
    decoders = {"PNG": _decode_png, "GIF": decode_gif, "WebP": _decode_webp}
    if format == "JPEG":
        image = _decode_jpeg(image_bytes, orientation)
    else:
        image = decoders[format](image_bytes)
    return tf.ensure_shape(image, [None, None, 3])


def image_error(
    image_bytes: tf.Tensor, max_pixels: int = IMAGE_MAX_PIXELS
) -> tf.Tensor:
    """Explains why an encoded image is refused, judging by its header.

    Only the header is read: an image with corrupt pixels passes here and fails when it
    is decoded.

    Args:
        image_bytes: string scalar, the encoded image.
        max_pixels: int, the largest `height * width` that is accepted.

    Returns:
        string scalar, empty if the header is valid.
    """
    image_bytes = tf.ensure_shape(tf.convert_to_tensor(image_bytes, tf.string), [])
    pixels = _count_pixels(image_bytes)
    size_error = tf.where(pixels > max_pixels, _too_large(max_pixels), "")
    return tf.where(pixels < 1, undecodable_reason(image_bytes), size_error)


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


def _decode_jpeg(image_bytes: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    # Pillow and other users of libjpeg use the accurate transform by default; it is
    # as fast as TensorFlow's default. CMYK is converted without colour management.
    image = tf.io.decode_jpeg(image_bytes, channels=3, dct_method="INTEGER_ACCURATE")
    is_upright = tf.equal(orientation, 1)
    return tf.cond(is_upright, lambda: image, lambda: _turn(image, orientation))


def _turn(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Rotates and mirrors an image to be upright.

    Reference:
        - CIPA DC-008 (Exif 2.32), 4.6.4 (Orientation)
    """
    # From 5 on, the rows of the scene are stored as columns. The orientation is the
    # side on which the first row and the first column of the scene lie:
    # 1 top left, 2 top right, 3 bottom right, 4 bottom left,
    # 5 left top, 6 right top, 7 right bottom, 8 left bottom.
    image = tf.cond(
        orientation >= 5, lambda: tf.transpose(image, [1, 0, 2]), lambda: image
    )

    def flip(image, axis, orientations):
        applies = tf.reduce_any(tf.equal(orientation, orientations))
        return tf.cond(applies, lambda: tf.reverse(image, [axis]), lambda: image)

    image = flip(image, 1, [2, 3, 6, 7])
    return flip(image, 0, [3, 4, 7, 8])


def _decode_png(image_bytes: tf.Tensor) -> tf.Tensor:
    depth = read_bytes(image_bytes, _PNG_BIT_DEPTH, 1)[0]
    rgba = tf.cond(
        tf.equal(depth, 16),
        lambda: _decode_16_bit_png(image_bytes),
        lambda: tf.io.decode_png(image_bytes, channels=4),
    )
    # TensorFlow adds a missing alpha channel: 255, but at 1, 2 and 4 bits the largest
    # number of this many bits, which would be nearly transparent.
    filler = tf.bitwise.left_shift(tf.ones_like(depth), depth) - 1
    alpha = tf.cast(rgba[..., 3], tf.int64)
    is_opaque = tf.logical_and(depth < 8, tf.reduce_all(tf.equal(alpha, filler)))
    return tf.cond(is_opaque, lambda: rgba[..., :3], lambda: _over_white(rgba))


def _decode_16_bit_png(image_bytes: tf.Tensor) -> tf.Tensor:
    rgba = tf.io.decode_png(image_bytes, channels=4, dtype=tf.uint16)
    # 65535 / 257 = 255 exactly.
    return tf.cast(tf.round(tf.cast(rgba, tf.float32) / 257), tf.uint8)


def _decode_webp(image_bytes: tf.Tensor) -> tf.Tensor:
    # A single frame with the channels of the file; any other number is an error.
    image = tf.io.decode_webp(image_bytes, channels=0)[0]
    return tf.cond(
        tf.equal(tf.shape(image)[-1], 4), lambda: _over_white(image), lambda: image
    )


def _over_white(rgba: tf.Tensor) -> tf.Tensor:
    is_opaque = tf.reduce_all(tf.equal(rgba[..., 3], 255))
    return tf.cond(is_opaque, lambda: rgba[..., :3], lambda: _blend(rgba))


def _blend(rgba: tf.Tensor) -> tf.Tensor:
    # At most 255 * 255, so exact in float32; the odd divisor leaves no ties.
    rgba = tf.cast(rgba, tf.float32)
    alpha = rgba[..., 3:]
    blended = (rgba[..., :3] * alpha + 255 * (255 - alpha)) / 255
    return tf.cast(tf.round(blended), tf.uint8)
