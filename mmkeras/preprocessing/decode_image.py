"""Decoding of encoded pictures in graph, the same for training and serving."""

import tensorflow as tf

from mmkeras.preprocessing.require import require

IMAGE_MAX_PIXELS = 100_000_000

_JPEG_MAGIC = b"\xff\xd8\xff"
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER_BYTES = 33
_PNG_WIDTH_OFFSET = 16
_PNG_BIT_DEPTH_OFFSET = 24


def decode_image(
    image_bytes: tf.Tensor, max_pixels: int = IMAGE_MAX_PIXELS
) -> tf.Tensor:
    """Decode one JPEG or PNG picture to RGB, in graph.

    The format is told by the first bytes, never by a file name. Grey and CMYK
    JPEGs become RGB, 16-bit PNGs are scaled to 8 bits, and transparent PNGs are
    composited over white. The number of pixels is read from the header and
    checked before anything is decoded.

    Args:
        image_bytes: Scalar `tf.string`, the encoded picture.
        max_pixels: int. Largest `height * width` that is decoded.

    Returns:
        `uint8` tensor of shape `[height, width, 3]`.

    Raises:
        tf.errors.InvalidArgumentError: If the bytes are empty, neither JPEG nor
            PNG, larger than `max_pixels`, or corrupt or truncated.

    Example:

    >>> picture = decode_image(tf.io.read_file("cat.jpg"))
    >>> picture.dtype, picture.shape
    (tf.uint8, TensorShape([480, 640, 3]))
    """
    image_bytes = tf.ensure_shape(tf.convert_to_tensor(image_bytes, tf.string), [])
    known = tf.logical_or(_is_png(image_bytes), _is_jpeg(image_bytes))
    with require(known, undecodable_reason(image_bytes)):
        image_bytes = tf.identity(image_bytes)
    image = tf.cond(
        _is_png(image_bytes),
        lambda: _decode_png(image_bytes, max_pixels),
        lambda: _decode_jpeg(image_bytes, max_pixels),
    )
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
    # A broken header raises; a dataset that drops its failing elements is the
    # one way to survive that in graph. The second element stands in for it.
    counts = tf.data.Dataset.from_tensors(image_bytes).map(_count_pixels)
    nothing = tf.data.Dataset.from_tensors(tf.zeros([], tf.int64))
    counts = counts.ignore_errors().concatenate(nothing).batch(2)
    pixels = counts.get_single_element()[0]
    fits = tf.where(pixels > max_pixels, _too_large(max_pixels), "")
    return tf.where(pixels < 1, undecodable_reason(image_bytes), fits)


def undecodable_reason(image_bytes: tf.Tensor) -> tf.Tensor:
    """Why bytes that did not decode failed, as far as their first bytes tell.

    Args:
        image_bytes: `tf.string` of any shape.

    Returns:
        `tf.string` of the same shape, never empty.
    """
    reason = tf.where(
        _is_png(image_bytes),
        "corrupt or truncated PNG data",
        tf.where(
            _is_jpeg(image_bytes),
            "corrupt or truncated JPEG data",
            "unknown image format: convert the picture to JPEG or PNG",
        ),
    )
    return tf.where(tf.equal(tf.strings.length(image_bytes), 0), "empty image", reason)


def _too_large(max_pixels: int) -> str:
    return f"image has more than {max_pixels} pixels: make it smaller"


def _is_jpeg(image_bytes: tf.Tensor) -> tf.Tensor:
    return _starts_with(image_bytes, _JPEG_MAGIC)


def _is_png(image_bytes: tf.Tensor) -> tf.Tensor:
    return _starts_with(image_bytes, _PNG_MAGIC)


def _starts_with(image_bytes: tf.Tensor, magic: bytes) -> tf.Tensor:
    return tf.equal(tf.strings.substr(image_bytes, 0, len(magic)), magic)


def _count_pixels(image_bytes: tf.Tensor) -> tf.Tensor:
    return tf.case(
        [
            (_is_png(image_bytes), lambda: _count_png_pixels(image_bytes)),
            (_is_jpeg(image_bytes), lambda: _count_jpeg_pixels(image_bytes)),
        ],
        default=lambda: tf.zeros([], tf.int64),
    )


def _count_jpeg_pixels(image_bytes: tf.Tensor) -> tf.Tensor:
    shape = tf.image.extract_jpeg_shape(image_bytes, tf.int64)
    return shape[0] * shape[1]


def _count_png_pixels(image_bytes: tf.Tensor) -> tf.Tensor:
    start = _PNG_WIDTH_OFFSET
    sides = tf.reshape(_png_header(image_bytes)[start : start + 8], [2, 4])
    big_endian = tf.constant([1 << 24, 1 << 16, 1 << 8, 1], tf.int64)
    width, height = tf.unstack(tf.reduce_sum(sides * big_endian, axis=1))
    # PNG sides are 31-bit. A larger one is a broken header, and refusing it here
    # keeps the product below 2**62.
    largest = tf.constant((1 << 31) - 1, tf.int64)
    valid = tf.logical_and(width <= largest, height <= largest)
    return tf.where(valid, width * height, tf.zeros([], tf.int64))


def _png_header(image_bytes: tf.Tensor) -> tf.Tensor:
    # Padded, because `substr` and slices raise beyond the end of short data.
    padded = tf.strings.join([image_bytes, b"\0" * _PNG_HEADER_BYTES])
    header = tf.strings.substr(padded, 0, _PNG_HEADER_BYTES)
    return tf.cast(tf.io.decode_raw(header, tf.uint8), tf.int64)


def _decode_jpeg(image_bytes: tf.Tensor, max_pixels: int) -> tf.Tensor:
    pixels = _count_jpeg_pixels(image_bytes)
    with require(pixels <= max_pixels, _too_large(max_pixels)):
        return tf.io.decode_jpeg(tf.identity(image_bytes), channels=3)


def _decode_png(image_bytes: tf.Tensor, max_pixels: int) -> tf.Tensor:
    pixels = _count_png_pixels(image_bytes)
    with require(pixels <= max_pixels, _too_large(max_pixels)):
        image_bytes = tf.identity(image_bytes)
    rgba = tf.cond(
        tf.equal(_png_header(image_bytes)[_PNG_BIT_DEPTH_OFFSET], 16),
        lambda: _decode_png_16_bit(image_bytes),
        lambda: tf.io.decode_png(image_bytes, channels=4),
    )
    opaque = tf.reduce_all(tf.equal(rgba[..., 3], 255))
    return tf.cond(opaque, lambda: rgba[..., :3], lambda: _over_white(rgba))


def _decode_png_16_bit(image_bytes: tf.Tensor) -> tf.Tensor:
    rgba = tf.io.decode_png(image_bytes, channels=4, dtype=tf.uint16)
    # 65535 / 257 = 255 exactly.
    return tf.cast(tf.round(tf.cast(rgba, tf.float32) / 257), tf.uint8)


def _over_white(rgba: tf.Tensor) -> tf.Tensor:
    # At most 255 * 255, so exact in float32, and the odd divisor leaves no ties.
    rgba = tf.cast(rgba, tf.float32)
    alpha = rgba[..., 3:]
    blended = (rgba[..., :3] * alpha + 255 * (255 - alpha)) / 255
    return tf.cast(tf.round(blended), tf.uint8)
