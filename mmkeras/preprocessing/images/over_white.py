"""Transparent pictures on a white ground."""

import tensorflow as tf


def over_white(rgba: tf.Tensor) -> tf.Tensor:
    """Composite a picture over white.

    Args:
        rgba: `uint8` `[height, width, 4]`, alpha not premultiplied.

    Returns:
        `uint8` `[height, width, 3]`, rounded to the nearest.
    """
    opaque = tf.reduce_all(tf.equal(rgba[..., 3], 255))
    return tf.cond(opaque, lambda: rgba[..., :3], lambda: _blend(rgba))


def _blend(rgba: tf.Tensor) -> tf.Tensor:
    # At most 255 * 255, so exact in float32, and the odd divisor leaves no ties.
    rgba = tf.cast(rgba, tf.float32)
    alpha = rgba[..., 3:]
    blended = (rgba[..., :3] * alpha + 255 * (255 - alpha)) / 255
    return tf.cast(tf.round(blended), tf.uint8)
