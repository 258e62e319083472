from __future__ import annotations

import os
from collections.abc import Sequence

import keras

from mmkeras.models.lora import (
    adaptable_layers,
    adapted,
    enable_lora,
    load_lora,
    merge_lora,
    save_lora,
)


class Adapters:
    """Low-rank adapters (LoRA) on the parts of a model.

    Args:
        parts: dict of layers by name.
        defaults: names of the parts that get adapters unless others are given.

    Reference:
        - [Hu et al., 2022](https://arxiv.org/abs/2106.09685)
    """

    def __init__(
        self, parts: dict[str, keras.layers.Layer], defaults: Sequence[str] = ()
    ):
        self.parts = parts
        self.defaults = defaults

    @property
    def enabled(self) -> bool:
        """Whether any part has adapters."""
        return any(map(adapted, self.parts.values()))

    def enable(
        self,
        rank: int,
        alpha: float | None = None,
        names: Sequence[str] | None = None,
    ) -> None:
        """Freezes all parts and adds trainable adapters to some of them.

        Args:
            rank: int, at least 1.
            alpha: float; adapters are scaled by `alpha / rank`. `None` for `rank`.
            names: names of the parts, or `None` for the default ones that have dense
                layers or convolutions.

        Raises:
            ValueError: if a part is unknown or has adapters already, or `rank` is
                not a positive integer.
        """
        if names is None:
            names = [
                name
                for name in self.defaults
                if name in self.parts and adaptable_layers(self.parts[name])
            ]
        if not names or not set(names) <= set(self.parts):
            raise ValueError(
                f"`parts` must be some of {', '.join(self.parts)}. Received: "
                f"parts={list(names)}."
            )
        for name, part in self.parts.items():
            if name in names:
                enable_lora(part, rank, alpha)
            else:
                part.trainable = False

    def save(self, path: str | os.PathLike) -> None:
        """Writes the adapters to an HDF5 file.

        Raises:
            ValueError: if there are no adapters.
        """
        save_lora(self.parts, path)

    def load(self, path: str | os.PathLike) -> None:
        """Reads adapters that `save` wrote, and adds them where there are none.

        Raises:
            FileNotFoundError: if the file does not exist.
            ValueError: if it has no adapters, or those of another model.
        """
        load_lora(self.parts, path)

    def merge(self) -> None:
        """Adds the adapters to the weights, which does not change any output."""
        for part in self.parts.values():
            merge_lora(part)
