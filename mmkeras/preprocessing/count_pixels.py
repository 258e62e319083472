"""The size of a picture by its header alone."""

import tensorflow as tf

from mmkeras.preprocessing.gif_frame import GifFrame
from mmkeras.preprocessing.read_bytes import read_bytes, read_number


def count_pixels(image_bytes: tf.Tensor, format: str) -> tf.Tensor:
    """Read from the header how many pixels a picture has.

    Args:
        image_bytes: Scalar `tf.string`, the encoded picture.
        format: One of `DECODED_FORMATS`, which the picture is in.

    Returns:
        Scalar `int64`; 0 for a header that is broken.

    Raises:
        tf.errors.InvalidArgumentError: If the header of a JPEG is broken.
    """
    return _COUNTS[format](image_bytes)


def _count_jpeg(image_bytes: tf.Tensor) -> tf.Tensor:
    shape = tf.image.extract_jpeg_shape(image_bytes, tf.int64)
    return shape[0] * shape[1]


def _count_png(image_bytes: tf.Tensor) -> tf.Tensor:
    header = read_bytes(image_bytes, 0, 24)
    width = read_number(header, [16, 17, 18, 19])
    height = read_number(header, [20, 21, 22, 23])
    # PNG sides are 31-bit. A larger one is a broken header, and refusing it here
    # keeps the product below 2**62.
    largest = tf.constant((1 << 31) - 1, tf.int64)
    valid = tf.logical_and(width <= largest, height <= largest)
    return tf.where(valid, width * height, tf.zeros([], tf.int64))


def _count_gif(image_bytes: tf.Tensor) -> tf.Tensor:
    frame = GifFrame.read(image_bytes)
    return tf.where(frame.found, tf.reduce_prod(frame.canvas), 0)


def _count_webp(image_bytes: tf.Tensor) -> tf.Tensor:
    """Of the three kinds of header.

    Reference:
        - RFC 9649, 2.5 to 2.7
    """
    header = read_bytes(image_bytes, 0, 30)

    def is_kind(letters):
        return tf.reduce_all(tf.equal(header[12:16], list(letters)))

    lossy = (
        read_number(header, [27, 26]) & 0x3FFF,
        read_number(header, [29, 28]) & 0x3FFF,
    )
    bits = read_number(header, [24, 23, 22, 21])
    lossless = (bits & 0x3FFF) + 1, (bits // (1 << 14) & 0x3FFF) + 1
    extended = (
        read_number(header, [26, 25, 24]) + 1,
        read_number(header, [29, 28, 27]) + 1,
    )
    return tf.case(
        [
            (is_kind(b"VP8 "), lambda: lossy[0] * lossy[1]),
            (is_kind(b"VP8L"), lambda: lossless[0] * lossless[1]),
            (is_kind(b"VP8X"), lambda: extended[0] * extended[1]),
        ],
        default=lambda: tf.zeros([], tf.int64),
    )


_COUNTS = {
    "JPEG": _count_jpeg,
    "PNG": _count_png,
    "GIF": _count_gif,
    "WebP": _count_webp,
}
