"""JPEG files to RGB."""

import tensorflow as tf

from mmkeras.preprocessing.images.orient_image import orient_image


def decode_jpeg(image_bytes: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Decode a JPEG file and turn it upright.

    The pixels are those of Pillow and other users of libjpeg at its defaults: the
    accurate integer transform, which costs no more here than TensorFlow's own,
    less accurate default. The inks of CMYK multiply to red, green and blue,
    without colour management.

    Args:
        image_bytes: Scalar `tf.string`, a JPEG file: grey, colour or CMYK,
            baseline or progressive.
        orientation: Scalar `int32`, as `exif_orientation` reads it. It is read
            outside, where a batch of files costs little more than one.

    Returns:
        `uint8` `[height, width, 3]`.

    Raises:
        tf.errors.InvalidArgumentError: If the file is corrupt or truncated.
    """
    image = tf.io.decode_jpeg(image_bytes, channels=3, dct_method="INTEGER_ACCURATE")
    return orient_image(image, orientation)
