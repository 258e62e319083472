"""Low-rank adapters on the layers of a model.

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

# `DepthwiseConv2D` is no `Conv2D` to Keras.
_ADAPTABLE = (keras.layers.Dense, keras.layers.Conv2D)
_KERNELS = ("lora_kernel_a", "lora_kernel_b")


def enable_lora(layer: keras.layers.Layer, rank: int, alpha: float | None = None):
    """Freezes a layer and gives its kernels adapters, which are trained instead.

    Every `Dense` and `Conv2D` inside is computed with `kernel + alpha / rank * a @ b`
    from then on, where `b` begins as zeros, so that nothing changes at first.

    Args:
        layer: a built Keras layer or model.
        rank: int, columns of `a` and rows of `b`.
        alpha: float, or `None` for `rank`.

    Raises:
        ValueError: if `rank` is not a positive integer, the layer has adapters
            already, or nothing in it can have any.
    """
    if not isinstance(rank, int) or rank < 1:
        raise ValueError(
            f"`rank` must be an integer of at least 1. Received: rank={rank!r}."
        )
    if adapted(layer):
        raise ValueError(
            f"{layer.name!r} has adapters already. Train these, or load the preset "
            "anew for others."
        )
    targets = adaptable_layers(layer)
    if not targets:
        raise ValueError(
            f"{layer.name!r} has no `Dense` or `Conv2D` layer for adapters."
        )
    layer.trainable = True
    for part in _parts(layer):
        # Kept at the statistics of its pretraining.
        if isinstance(part, keras.layers.BatchNormalization):
            part.trainable = False
    for variable in layer.variables:
        variable.trainable = False
    for part in targets:
        part.enable_lora(rank, lora_alpha=alpha)


def adaptable_layers(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers within a layer that adapters can be put on."""
    return [part for part in _parts(layer) if isinstance(part, _ADAPTABLE)]


def adapted(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers inside that have adapters, in an order that is always the same."""
    return [part for part in _parts(layer) if getattr(part, "lora_enabled", False)]


def merge_lora(layer: keras.layers.Layer) -> None:
    """Adds what the adapters have learned to the kernels, and begins them anew.

    The layer computes the same before and after.

    Args:
        layer: a Keras layer or model.
    """
    for part in adapted(layer):
        part._kernel.assign(part.kernel)
        part.lora_kernel_b.assign(keras.ops.zeros_like(part.lora_kernel_b))


def save_lora(layers: dict[str, keras.layers.Layer], path: str | os.PathLike) -> None:
    """Writes the adapters alone to an HDF5 file.

    Args:
        layers: dict of layers by names of one's own. Those without adapters are left
            out.
        path: path of the file, e.g. `"birds.lora.h5"`.

    Raises:
        ValueError: if there are no adapters.
    """
    found = {name: adapted(layer) for name, layer in layers.items()}
    found = {name: parts for name, parts in found.items() if parts}
    if not found:
        raise ValueError("There are no adapters. Call `enable_lora(rank)` first.")
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
    """Reads adapters that `save_lora` wrote, and gives layers that have none theirs.

    Args:
        layers: dict of layers by the names that they were saved under, with the
            weights that the adapters were trained on.
        path: path of the file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it holds no adapters, or those of other weights or layers.
    """
    with _opened(path) as file:
        rank, alpha = int(file.attrs["rank"]), float(file.attrs["alpha"])
        for name in file.attrs["layers"]:
            if name not in layers:
                raise ValueError(
                    f"{path} has adapters of {name!r}, which this model lacks; it has "
                    f"{', '.join(layers)}."
                )
            if not adapted(layers[name]):
                enable_lora(layers[name], rank, alpha)
            _read(file[name], adapted(layers[name]), path)


def _read(group, parts, path) -> None:
    if group.attrs["base"] != _fingerprint(parts):
        raise ValueError(
            f"The adapters in {path} were trained on other weights, or have another "
            "rank. Load the preset that they were made from, without training or "
            "merging anything."
        )
    for index, part in enumerate(parts):
        for kernel in _KERNELS:
            getattr(part, kernel).assign(group[f"{index}/{kernel}"][()])


def without_lora(config):
    """The serialized configuration of a model, as if it had no adapters.

    What is saved are merged kernels, which need none.

    Args:
        config: nested dicts and lists.
    """
    if isinstance(config, dict):
        items = config.items()
        return {k: without_lora(v) for k, v in items if not k.startswith("lora_")}
    if isinstance(config, (list, tuple)):
        return type(config)(without_lora(item) for item in config)
    return config


def _parts(layer) -> list:
    return layer._flatten_layers(include_self=True)


def _opened(path) -> h5py.File:
    if not pathlib.Path(path).is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise ValueError(f"{path} is no HDF5 file, or damaged: {error}") from error
    if not {"rank", "alpha", "layers"} <= set(file.attrs):
        file.close()
        raise ValueError(f"{path} holds no adapters: `save_lora` did not write it.")
    return file


def _fingerprint(parts) -> str:
    """Of the kernels that the adapters belong to, and of the adapters' scale."""
    digest = hashlib.sha256()
    for part in parts:
        scale = part.lora_rank, float(part.lora_alpha)
        digest.update(f"{scale} {part._kernel.shape}".encode())
        digest.update(np.asarray(part._kernel).tobytes())
    return digest.hexdigest()
