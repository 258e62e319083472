from __future__ import annotations

import os
import tempfile
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


class Adaptable:
    """Fine-tuning of a task by low-rank adapters (LoRA).

    A subclass is a `keras.Model` with a `backbone` and presets.
    """

    # Attributes of the backbone that hold its layers, and those of them that
    # `enable_lora` adapts if it is not told.
    parts: tuple[str, ...] = ()
    lora_parts: tuple[str, ...] = ()

    def enable_lora(
        self,
        rank: int,
        alpha: float | None = None,
        parts: Sequence[str] | None = None,
    ) -> None:
        """Freezes the model and trains low-rank adapters instead.

        Compile again with an optimizer of one's own before `fit`. `save_lora` writes
        the adapters apart; `save_to_preset` and `export` write the model with them
        merged into its weights.

        Args:
            rank: int, of the adapters.
            alpha: float, by which they are scaled as `alpha / rank`; `None` for
                `rank`.
            parts: names of the parts of the backbone that are adapted, or `None` for
                those of `lora_parts` that have dense layers or convolutions;
                `"image_encoder"` may be among them.

        Raises:
            ValueError: if there is no such part, or it has adapters already, or
                `rank` is not a positive integer.

        Reference:
            - [Hu et al., 2022](https://arxiv.org/abs/2106.09685)
        """
        known = self._parts()
        if parts is None:
            chosen = [
                name
                for name in self.lora_parts
                if name in known and adaptable_layers(known[name])
            ]
        else:
            chosen = tuple(parts)
        if not chosen or not set(chosen) <= set(known):
            raise ValueError(
                f"`parts` must be some of {', '.join(known)}. Received: "
                f"parts={list(chosen)}."
            )
        with self.distribute_strategy.scope():
            for name, part in known.items():
                if name in chosen:
                    enable_lora(part, rank, alpha)
                else:
                    part.trainable = False
        self._forget_graphs()

    def save_lora(self, path: str | os.PathLike) -> None:
        """Writes the adapters alone, a small file.

        Args:
            path: path of the file, e.g. `"birds.lora.h5"`.

        Raises:
            ValueError: if there are no adapters.
        """
        save_lora(self._parts(), path)

    def load_lora(self, path: str | os.PathLike) -> None:
        """Puts adapters that `save_lora` wrote on the model that they were made for.

        Args:
            path: path of the file.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it holds no adapters, or those of another model.
        """
        with self.distribute_strategy.scope():
            load_lora(self._parts(), path)
        self._forget_graphs()

    def merge_lora(self) -> None:
        """Adds the adapters to the weights; what the model computes stays the same."""
        for part in self._parts().values():
            merge_lora(part)

    def _parts(self) -> dict[str, keras.layers.Layer]:
        found = {name: getattr(self.backbone, name) for name in self.parts}
        return {name: part for name, part in found.items() if part is not None}

    def _forget_graphs(self) -> None:
        """Drops what was traced with other variables than there are now."""
        self.train_function = self.test_function = self.predict_function = None

    def _merged(self):
        """The task without adapters, which are in its weights instead."""
        if not any(map(adapted, self._parts().values())):
            return self
        with tempfile.TemporaryDirectory() as folder:
            self.save_to_preset(folder)
            merged = type(self).from_preset(folder)
        merged.samples = self.samples
        return merged
