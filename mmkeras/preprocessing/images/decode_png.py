"""PNG files to RGB."""

import tensorflow as tf

from mmkeras.preprocessing.images.over_white import over_white
from mmkeras.preprocessing.images.read_bytes import read_bytes

_BIT_DEPTH = 24


def decode_png(image_bytes: tf.Tensor) -> tf.Tensor:
    """Decode a PNG file, over white where it is transparent.

    Args:
        image_bytes: Scalar `tf.string`, a PNG file of any kind. 16 bits are
            rounded to 8; of an animation the still picture is taken.

    Returns:
        `uint8` `[height, width, 3]`.

    Raises:
        tf.errors.InvalidArgumentError: If the file is corrupt or truncated.
    """
    depth = read_bytes(image_bytes, _BIT_DEPTH, 1)[0]
    rgba = tf.cond(
        tf.equal(depth, 16),
        lambda: _decode_16_bits(image_bytes),
        lambda: tf.io.decode_png(image_bytes, channels=4),
    )
    # Where there is no alpha TensorFlow makes one: 255, or at 1, 2 and 4 bits the
    # largest number of so few, which would be nearly transparent.
    filler = tf.bitwise.left_shift(tf.ones_like(depth), depth) - 1
    alpha = tf.cast(rgba[..., 3], tf.int64)
    opaque = tf.logical_and(depth < 8, tf.reduce_all(tf.equal(alpha, filler)))
    return tf.cond(opaque, lambda: rgba[..., :3], lambda: over_white(rgba))


def _decode_16_bits(image_bytes: tf.Tensor) -> tf.Tensor:
    rgba = tf.io.decode_png(image_bytes, channels=4, dtype=tf.uint16)
    # 65535 / 257 = 255 exactly.
    return tf.cast(tf.round(tf.cast(rgba, tf.float32) / 257), tf.uint8)
