"""The fusion blocks by their names."""

from __future__ import annotations

import difflib
from typing import Any

import keras

_BLOCKS: dict[str, type[keras.layers.Layer]] = {}


def register(name: str, block_class: type[keras.layers.Layer]) -> None:
    """Registers a fusion block under a name.

    Args:
        name: string, e.g. `"gated"`.
        block_class: a subclass of `keras.layers.Layer` whose constructor accepts
            `dim`.

    Raises:
        ValueError: if another class is registered under this name.
    """
    if _BLOCKS.get(name, block_class) is not block_class:
        raise ValueError(
            f"The name {name!r} is already registered for {_BLOCKS[name].__name__}. "
            "Choose another name."
        )
    _BLOCKS[name] = block_class


def names() -> list[str]:
    """The names of all registered fusion blocks, in alphabetical order."""
    return sorted(_BLOCKS)


def get(
    fusion: str | keras.layers.Layer, dim: int | None = None, **kwargs: Any
) -> keras.layers.Layer:
    """Creates a fusion block by its name.

    Args:
        fusion: string, one of `names()`; or a layer, which is returned unchanged.
        dim: int, dimension of the output; required for a name, ignored for a layer.
        **kwargs: other arguments of the constructor of the block, e.g. `num_heads=8`.

    Returns:
        A Keras layer as described by `mmkeras.layers.fusion.FusionBlock`.

    Raises:
        ValueError: if the name is unknown, `dim` is missing for a name, or `kwargs` are
            given for a layer.

    Example:
        >>> fusion = mmkeras.layers.fusion.get("gated", dim=64)
    """
    if isinstance(fusion, keras.layers.Layer):
        if kwargs:
            raise ValueError(
                f"{fusion.name!r} is already a layer. Pass {', '.join(kwargs)} to its "
                "constructor."
            )
        return fusion
    if not isinstance(fusion, str) or fusion not in _BLOCKS:
        raise ValueError(_unknown(fusion))
    if dim is None:
        raise ValueError(f"The fusion block {fusion!r} requires `dim`, e.g. dim=256.")
    return _BLOCKS[fusion](dim=dim, **kwargs)


def _unknown(fusion) -> str:
    near = difflib.get_close_matches(str(fusion), names(), n=1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    return (
        f"Unknown fusion block {fusion!r}.{guess} Registered are "
        f"{', '.join(names())}; or pass a custom layer."
    )
