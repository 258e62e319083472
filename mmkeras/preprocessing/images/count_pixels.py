from __future__ import annotations

import tensorflow as tf

from mmkeras.preprocessing.images.gif_frame import GifFrame
from mmkeras.preprocessing.images.read_bytes import read_bytes, read_number

# Segments with markers in the range of the frame headers'.
_JPEG_TABLES = (0xC4, 0xC8, 0xCC)
_JPEG_SCAN = 0xDA


def count_pixels(image_bytes: tf.Tensor, format: str) -> tf.Tensor:
    """Reads the number of pixels of an image from its header.

    Args:
        image_bytes: string scalar, the encoded image.
        format: string, the format of the image, one of `DECODED_FORMATS`.

    Returns:
        int64 scalar; 0 for a corrupt header.
    """
    return _COUNTS[format](image_bytes)


def _count_jpeg(image_bytes: tf.Tensor) -> tf.Tensor:
    # The first frame header among the segments before the pixels. TensorFlow's
    # operation for this raises if the header is corrupt.
    place = tf.constant(2, tf.int64)

    def is_frame(head):
        marker = head[1]
        others = tf.reduce_any(tf.equal(marker, _JPEG_TABLES))
        return (marker >= 0xC0) & (marker <= 0xCF) & tf.logical_not(others)

    def proceed(place, head):
        segment = tf.equal(head[0], 0xFF) & tf.not_equal(head[1], _JPEG_SCAN)
        return segment & tf.logical_not(is_frame(head))

    def skip(place, head):
        # The length includes its own two bytes, so even 0 advances.
        place += 2 + read_number(head, [2, 3])
        return place, read_bytes(image_bytes, place, 9)

    head = read_bytes(image_bytes, place, 9)
    place, head = tf.while_loop(proceed, skip, [place, head])
    pixels = read_number(head, [5, 6]) * read_number(head, [7, 8])
    found = tf.equal(head[0], 0xFF) & is_frame(head)
    return tf.where(found, pixels, tf.zeros_like(pixels))


def _count_png(image_bytes: tf.Tensor) -> tf.Tensor:
    header = read_bytes(image_bytes, 0, 24)
    width = read_number(header, [16, 17, 18, 19])
    height = read_number(header, [20, 21, 22, 23])
    # PNG sides are 31-bit. Refusing larger ones as corrupt keeps the product below
    # 2**62.
    largest = tf.constant((1 << 31) - 1, tf.int64)
    valid = tf.logical_and(width <= largest, height <= largest)
    return tf.where(valid, width * height, tf.zeros([], tf.int64))


def _count_gif(image_bytes: tf.Tensor) -> tf.Tensor:
    frame = GifFrame.read(image_bytes)
    return tf.where(frame.found, tf.reduce_prod(frame.canvas), 0)


def _count_webp(image_bytes: tf.Tensor) -> tf.Tensor:
    """Reads the three kinds of WebP headers.

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
