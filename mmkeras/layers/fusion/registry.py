"""Fusion blocks by name."""

from __future__ import annotations

import difflib

import keras

_BLOCKS: dict[str, type[keras.layers.Layer]] = {}


def register(name: str, block_class: type[keras.layers.Layer]) -> None:
    """Makes a fusion block known by a name.

    Args:
        name: string, e.g. `"gated"`.
        block_class: a subclass of `keras.layers.Layer` that takes `dim=`.

    Raises:
        ValueError: if another class has the name already.
    """
    if _BLOCKS.get(name, block_class) is not block_class:
        raise ValueError(
            f"The fusion block {name!r} is {_BLOCKS[name].__name__} already. Choose "
            "another name."
        )
    _BLOCKS[name] = block_class


def names() -> list[str]:
    """The names of all fusion blocks, in alphabetical order."""
    return sorted(_BLOCKS)


def get(
    fusion: str | keras.layers.Layer, dim: int | None = None, **kwargs
) -> keras.layers.Layer:
    """A fusion block by its name.

    Args:
        fusion: string, one of `names()`; or a layer, which is returned as it is.
        dim: int, dimension of the output. Of no effect on a layer.
        **kwargs: what else the constructor of the block takes, e.g. `num_heads=8`.

    Returns:
        A Keras layer, as `mmkeras.layers.fusion.FusionBlock` describes it.

    Raises:
        ValueError: if there is no block of this name, a name comes without `dim`, or
            a layer with `kwargs`.

    Example:
        >>> fusion = mmkeras.layers.fusion.get("gated", dim=64)
    """
    if isinstance(fusion, keras.layers.Layer):
        if kwargs:
            raise ValueError(
                f"{fusion.name!r} is made already. Give {', '.join(kwargs)} to its "
                "constructor."
            )
        return fusion
    if not isinstance(fusion, str) or fusion not in _BLOCKS:
        raise ValueError(_unknown(fusion))
    if dim is None:
        raise ValueError(f"The fusion block {fusion!r} needs `dim=`.")
    return _BLOCKS[fusion](dim=dim, **kwargs)


def _unknown(fusion) -> str:
    near = difflib.get_close_matches(str(fusion), names(), n=1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    return (
        f"There is no fusion block {fusion!r}.{guess} There are: "
        f"{', '.join(names())}; or pass a layer of your own."
    )
