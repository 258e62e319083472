from __future__ import annotations

import os
import warnings

import keras

from mmkeras.keras2 import TensorOperation, load_tf_keras
from mmkeras.layers import ImageEncoder
from mmkeras.layers.wrapped_model import leaf_layers
from mmkeras.models.encoders.is_model_path import is_model_path
from mmkeras.models.encoders.small_cnn import small_cnn
from mmkeras.pretrained import efficientnet_lite

_PRETRAINED = {
    "efficientnet_lite0": ("lite0", 224),
    "efficientnet_lite1": ("lite1", 240),
    "efficientnet_lite2": ("lite2", 260),
}
_SCALING = (keras.layers.Rescaling, keras.layers.Normalization, TensorOperation)
_NAMES = ("small_cnn", *_PRETRAINED)


def build_image_encoder(
    encoder: str | os.PathLike | keras.Model | ImageEncoder,
    image_size: int | None = None,
    trainable: bool | None = None,
) -> tuple[ImageEncoder, float, float]:
    """An image encoder and how its pixels are scaled.

    Args:
        encoder: string, one of `"small_cnn"`, `"efficientnet_lite0"`,
            `"efficientnet_lite1"`, `"efficientnet_lite2"`; or a `keras.Model`
            that takes pixels of 0 … 255, as `keras.applications` with their own
            rescaling do; or an `ImageEncoder` of the same kind; or the path of such a
            model of Keras 2, an `.h5` or `.keras` file or a SavedModel folder
            (`mmkeras.keras2.load_tf_keras`).
        image_size: int, side of the input in pixels, or `None` for the encoder's
            own.
        trainable: bool, whether all of it is trained; or `None`: encoders with
            pretrained weights by name or by path are frozen, a model that is given is
            left as it is, frozen layers and all.

    Returns:
        An `ImageEncoder`, `scale` and `offset` (`pixel * scale + offset`).

    Raises:
        ValueError: if the encoder is not known, `image_size` is not the one that a
            given model has, or the file of one of Keras 2 cannot be rebuilt.
        FileNotFoundError: if there is no file of that path.
        ImportError: if the package with the weights is not installed.
    """
    if encoder == "small_cnn":
        model = small_cnn(image_size or 96)
        return ImageEncoder(model, trainable is not False), 1 / 127.5, -1.0
    if isinstance(encoder, str) and encoder in _PRETRAINED:
        variant, size = _PRETRAINED[encoder]
        model = efficientnet_lite(variant, image_size=image_size or size)
        return ImageEncoder(model, bool(trainable)), 1 / 128, -127 / 128
    if is_model_path(encoder):
        return _read(encoder, image_size, bool(trainable)), 1.0, 0.0
    if isinstance(encoder, keras.Model):
        encoder = ImageEncoder(encoder)
    if not isinstance(encoder, ImageEncoder):
        raise ValueError(
            f"`image_encoder` must be one of {', '.join(_NAMES)}, the path of a model "
            "of Keras 2 (.h5, .keras or a SavedModel folder), a `keras.Model`, or an "
            f"`ImageEncoder`. Received: image_encoder={encoder!r}."
        )
    if image_size not in (None, encoder.image_size):
        raise ValueError(
            f"The given image encoder takes {encoder.image_size} pixels. Leave out "
            f"`image_size`, or build the encoder for {image_size}."
        )
    if trainable is not None:
        encoder.trainable = trainable
    return encoder, 1.0, 0.0


def _read(path, image_size, trainable) -> ImageEncoder:
    input_shape = None if image_size is None else (image_size, image_size, 3)
    model = load_tf_keras(path, input_shape=input_shape)
    shapes = [tuple(tensor.shape[1:]) for tensor in model.inputs]
    height, width, *_ = shapes[0] if len(shapes[0]) == 3 else (None, 0)
    if height is None and shapes == [(None, None, 3)]:
        raise ValueError(
            f"The model in {path} takes pictures of any size. Say which: `image_size=`."
        )
    if shapes != [(height, width, 3)] or height != width:
        raise ValueError(
            f"The model in {path} must take square pictures in colour alone. It takes "
            f"{shapes}."
        )
    _warn_of_pixels(path, model)
    if len(model.outputs) == 1 and len(model.output_shape) == 2:
        model = _one_region(path, model)
    return ImageEncoder(model, trainable)


def _warn_of_pixels(path, model) -> None:
    """Of models that were saved without what scales their pixels."""
    layers = list(leaf_layers(model))
    first = next((i for i, layer in enumerate(layers) if layer.weights), 0)
    if not any(isinstance(layer, _SCALING) for layer in layers[:first]):
        warnings.warn(
            f"The model in {path} does not scale its pixels by itself, and is given "
            "those of 0 … 255. If it was trained on another range, put a layer that "
            "scales in front of it: see docs/old_models.md.",
            stacklevel=5,
        )


def _one_region(path, model) -> keras.Model:
    maps = [layer for layer in model.layers if len(_output_shape(layer)) == 4]
    warnings.warn(
        f"The model in {path} ends in a vector, and each picture is one region. "
        "`load_tf_keras(path, output_layer=NAME)` ends it at a feature map, of which "
        f"the last is that of {maps[-1].name!r}, {maps[-1].output.shape[1:]}.",
        stacklevel=4,
    )
    region = keras.layers.Reshape((1, 1, model.output_shape[1]), name="one_region")
    return keras.Model(model.input, region(model.output), name=model.name)


def _output_shape(layer) -> tuple:
    return getattr(layer.output, "shape", ())
