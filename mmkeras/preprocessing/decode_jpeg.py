"""JPEG files to RGB."""

import tensorflow as tf

from mmkeras.preprocessing.exif_orientation import exif_orientation
from mmkeras.preprocessing.orient_image import orient_image


def decode_jpeg(image_bytes: tf.Tensor) -> tf.Tensor:
    """Decode a JPEG file, turned as its EXIF orientation says.

    The pixels are those of Pillow and other users of libjpeg at its defaults: the
    accurate integer transform, which costs no more here than TensorFlow's own,
    less accurate default. The inks of CMYK multiply to red, green and blue,
    without colour management.

    Args:
        image_bytes: Scalar `tf.string`, a JPEG file: grey, colour or CMYK,
            baseline or progressive.

    Returns:
        `uint8` `[height, width, 3]`.

    Raises:
        tf.errors.InvalidArgumentError: If the file is corrupt or truncated.
    """
    image = tf.io.decode_jpeg(image_bytes, channels=3, dct_method="INTEGER_ACCURATE")
    return orient_image(image, exif_orientation(image_bytes))
