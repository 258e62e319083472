from __future__ import annotations

import tensorflow as tf

from mmkeras.preprocessing.images.gif_frame import GifFrame, skip_blocks
from mmkeras.preprocessing.images.undecodable_reason import corrupt_reason
from mmkeras.preprocessing.require import require

_WHITE = 255


def decode_gif(image_bytes: tf.Tensor) -> tf.Tensor:
    """Decodes the first frame of a GIF file, composited over white.

    Areas of the image that the frame does not cover are transparent, and so white.

    Args:
        image_bytes: string scalar, a GIF file, animated or not.

    Returns:
        uint8 `[height, width, 3]`.

    Raises:
        tf.errors.InvalidArgumentError: if the file is corrupt, or truncated within its
            first frame.
    """
    frame = GifFrame.read(image_bytes)
    with require(frame.found, corrupt_reason("GIF")):
        end = skip_blocks(image_bytes, frame.start + 1)
    # TensorFlow decodes all frames, refuses those smaller than the image, and ignores
    # transparency. So it is given a file with the first frame alone, of the frame's
    # size, in which the transparent colour is white.
    pixels = tf.strings.substr(
        image_bytes,
        tf.cast(frame.start, tf.int32),
        tf.cast(end - frame.start, tf.int32),
    )
    single = tf.strings.join([_to_string(_head(frame)), pixels, b"\x3b"])
    image = tf.io.decode_image(single, channels=3, expand_animations=False)
    image = tf.ensure_shape(image, [None, None, 3])
    top, left, height, width = tf.unstack(frame.box)
    below = frame.canvas[0] - top - height
    right = frame.canvas[1] - left - width
    return tf.pad(image, [[top, below], [left, right], [0, 0]], constant_values=_WHITE)


def _head(frame: GifFrame) -> tf.Tensor:
    """Screen descriptor, table of 256 colours and frame descriptor, as numbers."""
    height, width = frame.box[2], frame.box[3]
    sides = tf.stack([width % 256, width // 256, height % 256, height // 256])
    colour = tf.range(768, dtype=tf.int64) // 3
    is_opaque = tf.not_equal(colour, frame.transparent)
    colours = tf.where(is_opaque, frame.colours, _WHITE)
    version = tf.constant(list(b"GIF89a"), tf.int64)
    # 0xf7: a table of 2 ** (7 + 1) colours follows.
    screen = tf.constant([0xF7, 0, 0], tf.int64)
    corner = tf.constant([0x2C, 0, 0, 0, 0], tf.int64)
    flags = tf.where(frame.interlaced, tf.constant([0x40], tf.int64), [0])
    return tf.concat([version, sides, screen, colours, corner, sides, flags], axis=0)


def _to_string(numbers: tf.Tensor) -> tf.Tensor:
    characters = tf.constant([bytes([number]) for number in range(256)])
    return tf.strings.reduce_join(tf.gather(characters, numbers))
