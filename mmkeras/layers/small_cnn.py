"""A convolutional network to train from scratch on small pictures."""

from __future__ import annotations

import keras


def small_cnn(image_size: int = 96, width: int = 24) -> keras.Model:
    """A residual CNN with a stride of 16 that learns from thousands of pictures.

    Most of its work is done at strides of 4 and 8, where small things still
    have a shape. A cell of the last map sees 81 pixels, so that a thing that lies
    across a border is still seen whole.

    Args:
        image_size: int, side of the square input in pixels, a multiple of 16.
        width: int, channels of the first stage; the last one has six times as many.

    Input shape:
        float32 `[batch, image_size, image_size, 3]`, scaled to -1 … 1.

    Output shape:
        `[batch, image_size / 16, image_size / 16, 6 * width]`.

    Raises:
        ValueError: if `image_size` is not a multiple of 16.

    Reference:
        - [He et al., 2016](https://arxiv.org/abs/1603.05027)
    """
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
    x = keras.layers.BatchNormalization(momentum=0.95)(x)
    return keras.layers.Activation("relu")(x)


def _residual(x):
    filters = x.shape[-1]
    y = _convolution(x, filters)
    y = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(y)
    y = keras.layers.BatchNormalization(momentum=0.95)(y)
    return keras.layers.Activation("relu")(keras.layers.Add()([x, y]))
