"""WebP files to RGB."""

import tensorflow as tf

from mmkeras.preprocessing.images.over_white import over_white


def decode_webp(image_bytes: tf.Tensor) -> tf.Tensor:
    """Decode a still WebP file, over white where it is transparent.

    Args:
        image_bytes: Scalar `tf.string`, a WebP file, lossy or lossless. It must not
            be an animation: `image_format` tells these apart.

    Returns:
        `uint8` `[height, width, 3]`.

    Raises:
        tf.errors.InvalidArgumentError: If the file is corrupt or truncated.
    """
    # One frame of as many channels as the file has; another number is an error.
    image = tf.io.decode_webp(image_bytes, channels=0)[0]
    return tf.cond(
        tf.equal(tf.shape(image)[-1], 4), lambda: over_white(image), lambda: image
    )
