from __future__ import annotations

import keras

from mmkeras.layers import ImageEncoder, efficientnet_lite, small_cnn

_PRETRAINED = {
    "efficientnet_lite0": ("lite0", 224),
    "efficientnet_lite1": ("lite1", 240),
    "efficientnet_lite2": ("lite2", 260),
}
_NAMES = ("small_cnn", *_PRETRAINED)


def build_image_encoder(
    encoder: str | keras.Model | ImageEncoder,
    image_size: int | None = None,
    trainable: bool | None = None,
) -> tuple[ImageEncoder, float, float]:
    """An image encoder and how its pixels are scaled.

    Args:
        encoder: string, one of `"small_cnn"`, `"efficientnet_lite0"`,
            `"efficientnet_lite1"`, `"efficientnet_lite2"`; or a `keras.Model`
            that takes pixels of 0 … 255, as `keras.applications` with their own
            rescaling do; or an `ImageEncoder` of the same kind.
        image_size: int, side of the input in pixels, or `None` for the encoder's
            own.
        trainable: bool, whether all of it is trained; or `None`: encoders with
            pretrained weights by name are frozen, a model that is given is left as it
            is, frozen layers and all.

    Returns:
        An `ImageEncoder`, `scale` and `offset` (`pixel * scale + offset`).

    Raises:
        ValueError: if the encoder is not known, or `image_size` is not the one
            that a given model has.
        ImportError: if the package with the weights is not installed.
    """
    if encoder == "small_cnn":
        model = small_cnn(image_size or 96)
        return ImageEncoder(model, trainable is not False), 1 / 127.5, -1.0
    if isinstance(encoder, str) and encoder in _PRETRAINED:
        variant, size = _PRETRAINED[encoder]
        model = efficientnet_lite(variant, image_size=image_size or size)
        return ImageEncoder(model, bool(trainable)), 1 / 128, -127 / 128
    if isinstance(encoder, keras.Model):
        encoder = ImageEncoder(encoder)
    if not isinstance(encoder, ImageEncoder):
        raise ValueError(
            f"`image_encoder` must be one of {', '.join(_NAMES)}, a `keras.Model`, or "
            f"an `ImageEncoder`. Received: image_encoder={encoder!r}."
        )
    if image_size not in (None, encoder.image_size):
        raise ValueError(
            f"The given image encoder takes {encoder.image_size} pixels. Leave out "
            f"`image_size`, or build the encoder for {image_size}."
        )
    if trainable is not None:
        encoder.trainable = trainable
    return encoder, 1.0, 0.0
