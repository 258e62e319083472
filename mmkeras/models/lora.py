"""Low-rank adapters (LoRA) for the layers of a model.

Reference:
    - [Hu et al., 2022](https://arxiv.org/abs/2106.09685)
"""

from __future__ import annotations

import hashlib
import os
import pathlib

import h5py
import keras
import numpy as np

from mmkeras.arguments import whole_number

# In Keras, `DepthwiseConv2D` is not a `Conv2D`.
_ADAPTABLE = (keras.layers.Dense, keras.layers.Conv2D)
_KERNELS = ("lora_kernel_a", "lora_kernel_b")


def enable_lora(
    layer: keras.layers.Layer, rank: int, alpha: float | None = None
) -> None:
    """Freezes a layer and adds trainable low-rank adapters to its kernels.

    Each `Dense` and `Conv2D` inside then uses `kernel + alpha / rank * a @ b`. `b` is
    initially zero, so that the outputs do not change.

    Args:
        layer: a built Keras layer or model.
        rank: int, number of columns of `a` and of rows of `b`.
        alpha: float, or `None` for `rank`.

    Raises:
        ValueError: if `rank` is not a positive integer, or the layer already has
            adapters or contains no layer that can have them.
    """
    rank = whole_number("rank", rank, 1)
    if adapted(layer):
        raise ValueError(
            f"{layer.name!r} already has adapters. Train them, or load the preset "
            "again to add others."
        )
    targets = adaptable_layers(layer)
    if not targets:
        raise ValueError(
            f"{layer.name!r} contains no `Dense` or `Conv2D` layer to adapt."
        )
    layer.trainable = True
    for part in _parts(layer):
        # Keeps the statistics of pretraining.
        if isinstance(part, keras.layers.BatchNormalization):
            part.trainable = False
    for variable in layer.variables:
        variable.trainable = False
    for part in targets:
        part.enable_lora(rank, lora_alpha=alpha)


def adaptable_layers(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers inside a layer that adapters can be added to."""
    return [part for part in _parts(layer) if isinstance(part, _ADAPTABLE)]


def adapted(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers inside a layer that have adapters, in a fixed order."""
    return [part for part in _parts(layer) if getattr(part, "lora_enabled", False)]


def merge_lora(layer: keras.layers.Layer) -> None:
    """Adds the adapters to the kernels and resets them to zero.

    The outputs of the layer do not change.

    Args:
        layer: a Keras layer or model.
    """
    for part in adapted(layer):
        part._kernel.assign(part.kernel)
        part.lora_kernel_b.assign(keras.ops.zeros_like(part.lora_kernel_b))


def save_lora(layers: dict[str, keras.layers.Layer], path: str | os.PathLike) -> None:
    """Writes the adapters alone to an HDF5 file.

    Args:
        layers: dict of layers by any names. Those without adapters are skipped.
        path: path of the file, e.g. `"birds.lora.h5"`.

    Raises:
        ValueError: if no layer has adapters.
    """
    found = {name: adapted(layer) for name, layer in layers.items()}
    found = {name: parts for name, parts in found.items() if parts}
    if not found:
        raise ValueError("The model has no adapters. Call `enable_lora(rank)` first.")
    first = next(iter(found.values()))[0]
    with h5py.File(path, "w") as file:
        file.attrs.update(rank=first.lora_rank, alpha=first.lora_alpha)
        file.attrs["layers"] = list(found)
        for name, parts in found.items():
            group = file.create_group(name)
            group.attrs["base"] = _fingerprint(parts)
            for index, part in enumerate(parts):
                for kernel in _KERNELS:
                    group[f"{index}/{kernel}"] = np.asarray(getattr(part, kernel))


def load_lora(layers: dict[str, keras.layers.Layer], path: str | os.PathLike) -> None:
    """Loads adapters written by `save_lora`, and adds them to layers without any.

    Args:
        layers: dict of layers by the names used in `save_lora`, with the weights that
            the adapters were trained on.
        path: path of the file.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if it contains no adapters, or adapters of other weights or layers.
    """
    with _opened(path) as file:
        rank, alpha = int(file.attrs["rank"]), float(file.attrs["alpha"])
        for name in file.attrs["layers"]:
            if name not in layers:
                raise ValueError(
                    f"{path} has adapters for {name!r}, which this model lacks; it has "
                    f"{', '.join(layers)}."
                )
            if not adapted(layers[name]):
                enable_lora(layers[name], rank, alpha)
            _read(file[name], adapted(layers[name]), path)


def _read(group, parts, path) -> None:
    if group.attrs["base"] != _fingerprint(parts):
        raise ValueError(
            f"The adapters in {path} were trained on other weights or have another "
            "rank. Load the preset that they were trained on, without training it "
            "further or merging adapters."
        )
    for index, part in enumerate(parts):
        for kernel in _KERNELS:
            getattr(part, kernel).assign(group[f"{index}/{kernel}"][()])


def _parts(layer) -> list:
    return layer._flatten_layers(include_self=True)


def _opened(path) -> h5py.File:
    if not pathlib.Path(path).is_file():
        raise FileNotFoundError(f"The file {path} does not exist.")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise ValueError(f"{path} is not a complete HDF5 file: {error}") from error
    if not {"rank", "alpha", "layers"} <= set(file.attrs):
        file.close()
        raise ValueError(
            f"{path} contains no adapters. Pass a file written by `save_lora`."
        )
    return file


def _fingerprint(parts) -> str:
    """A hash of the adapted kernels and of the scale of the adapters."""
    digest = hashlib.sha256()
    for part in parts:
        scale = part.lora_rank, float(part.lora_alpha)
        digest.update(f"{scale} {part._kernel.shape}".encode())
        digest.update(np.asarray(part._kernel).tobytes())
    return digest.hexdigest()
