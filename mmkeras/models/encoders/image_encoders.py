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
    """Builds an image encoder by its name, from a model or from a file.

    Args:
        encoder: string, one of `"small_cnn"`, `"efficientnet_lite0"`,
            `"efficientnet_lite1"`, `"efficientnet_lite2"`; or a `keras.Model`
            of pixels from 0 to 255, e.g. one of `keras.applications` that includes
            its rescaling; or an `ImageEncoder` of such a model; or the path of such a
            Keras 2 model, an `.h5` or `.keras` file or a SavedModel folder
            (`mmkeras.keras2.load_tf_keras`).
        image_size: int, side of the input in pixels, or `None` for the encoder's
            own.
        trainable: bool, whether to train all of it; `None` to freeze pretrained
            encoders given by name or by path, and to leave the layers of a given model
            as they are.

    Returns:
        An `ImageEncoder`, `scale` and `offset` (`pixel * scale + offset`).

    Raises:
        ValueError: if the encoder is unknown, `image_size` is not that of a given
            model, or a Keras 2 model cannot be rebuilt.
        FileNotFoundError: if the path does not exist.
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
            f"`image_encoder` must be one of {', '.join(_NAMES)}, the path of a Keras "
            "2 model (.h5, .keras or a SavedModel folder), a `keras.Model`, or an "
            f"`ImageEncoder`. Received: image_encoder={encoder!r}."
        )
    if image_size not in (None, encoder.image_size):
        raise ValueError(
            f"The given image encoder is built for {encoder.image_size} pixels. Remove "
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
            f"The model in {path} accepts images of any size. Set `image_size`."
        )
    if shapes != [(height, width, 3)] or height != width:
        raise ValueError(
            f"The only input of the model in {path} must be square color images. Its "
            f"inputs are {shapes}."
        )
    _warn_of_pixels(path, model)
    if len(model.outputs) == 1 and len(model.output_shape) == 2:
        model = _one_region(path, model)
    return ImageEncoder(model, trainable)


def _warn_of_pixels(path, model) -> None:
    """Warns of models that were saved without the layer that scales their pixels."""
    layers = list(leaf_layers(model))
    first = next((i for i, layer in enumerate(layers) if layer.weights), 0)
    if not any(isinstance(layer, _SCALING) for layer in layers[:first]):
        warnings.warn(
            f"The model in {path} does not scale its pixels, and gets those of 0 to "
            "255. If it was trained on another range, put a rescaling layer in front "
            "of it: see docs/old_models.md.",
            stacklevel=5,
        )


def _one_region(path, model) -> keras.Model:
    maps = [layer for layer in model.layers if len(_output_shape(layer)) == 4]
    warnings.warn(
        f"The model in {path} ends in a vector, so that an image is a single region. "
        "`load_tf_keras(path, output_layer=NAME)` ends it at a feature map; the last "
        f"one is that of {maps[-1].name!r}, {maps[-1].output.shape[1:]}.",
        stacklevel=4,
    )
    region = keras.layers.Reshape((1, 1, model.output_shape[1]), name="one_region")
    return keras.Model(model.input, region(model.output), name=model.name)


def _output_shape(layer) -> tuple:
    return getattr(layer.output, "shape", ())
