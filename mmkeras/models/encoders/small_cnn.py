from __future__ import annotations

import keras

from mmkeras.arguments import whole_number


def small_cnn(image_size: int = 96, width: int = 24) -> keras.Model:
    """Builds a residual CNN to be trained from scratch on thousands of images.

    Its stride is 16. Most of the computation happens at strides of 4 and 8, at which
    small objects still have a shape. The receptive field of a cell of the feature map
    is 81 pixels, so that it covers an object which lies across the border of cells.

    Args:
        image_size: int, side length of the square input in pixels, a multiple of 16.
        width: int, number of channels of the first stage; the last one has `6 * width`.

    Input shape:
        float32 `[batch, image_size, image_size, 3]`, scaled to the range -1 … 1.

    Output shape:
        `[batch, image_size / 16, image_size / 16, 6 * width]`.

    Returns:
        A functional `keras.Model`.

    Raises:
        ValueError: if `image_size` is not a positive multiple of 16.

    Reference:
        - [He et al., 2016](https://arxiv.org/abs/1603.05027)
    """
    image_size = whole_number("image_size", image_size)
    if image_size % 16 or image_size < 16:
        raise ValueError(
            "`image_size` must be a multiple of 16 for the encoder 'small_cnn', "
            f"e.g. {max(16, round(image_size / 16) * 16)}. "
            f"Received: image_size={image_size}."
        )
    images = keras.Input((image_size, image_size, 3), name="images")
    x = _convolution(images, width, kernel=5, strides=2)
    x = _convolution(x, 2 * width, strides=2)
    x = _residual(x)
    x = _convolution(x, 4 * width, strides=2)
    x = _residual(x)
    x = _convolution(x, 6 * width, strides=2)
    return keras.Model(images, x, name="small_cnn")


def _convolution(x, filters: int, kernel: int = 3, strides: int = 1):
    x = keras.layers.Conv2D(
        filters, kernel, strides=strides, padding="same", use_bias=False
    )(x)
    x = _normalization()(x)
    return keras.layers.Activation("relu")(x)


def _residual(x):
    filters = x.shape[-1]
    y = _convolution(x, filters)
    y = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
    y = _normalization()(y)
    return keras.layers.Activation("relu")(keras.layers.Add()([x, y]))


def _normalization() -> keras.layers.BatchNormalization:
    # Otherwise each replica keeps its own moving statistics, and the saved ones are
    # not those of the validation losses.
    return keras.layers.BatchNormalization(momentum=0.95, synchronized=True)
