"""Pictures turned as their EXIF orientation says."""

import tensorflow as tf


def orient_image(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Turn and mirror a picture so that it stands upright.

    Args:
        image: `[height, width, channels]`, as it is stored.
        orientation: Scalar `int32`, 1 to 8, as `exif_orientation` reads it.

    Returns:
        `[height, width, channels]`, with height and width exchanged for 5 to 8.

    Reference:
        - CIPA DC-008 (Exif 2.32), 4.6.4 (Orientation)
    """
    upright = tf.equal(orientation, 1)
    return tf.cond(upright, lambda: image, lambda: _turn(image, orientation))


def _turn(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    # Beginning with 5 the rows of the scene are stored as columns. Then the side
    # on which the first row and the first column of the scene lie:
    # 1 top left, 2 top right, 3 bottom right, 4 bottom left,
    # 5 left top, 6 right top, 7 right bottom, 8 left bottom.
    image = tf.cond(
        orientation >= 5, lambda: tf.transpose(image, [1, 0, 2]), lambda: image
    )

    def flip(image, axis, orientations):
        asked = tf.reduce_any(tf.equal(orientation, orientations))
        return tf.cond(asked, lambda: tf.reverse(image, [axis]), lambda: image)

    image = flip(image, 1, [2, 3, 6, 7])
    return flip(image, 0, [3, 4, 7, 8])
