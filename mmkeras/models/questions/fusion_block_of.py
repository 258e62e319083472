from __future__ import annotations

import keras

from mmkeras.layers import fusion as fusion_blocks


def fusion_block_of(
    fusion: str | keras.layers.Layer, dim: int, num_answers: int | None
) -> keras.layers.Layer:
    """A fusion block by name, or as it is given.

    Args:
        fusion: string, one of `mmkeras.layers.fusion.names()`, or a fusion block.
        dim: int, its dimension.
        num_answers: int, which a block that scores answers itself has for its
            dimension, or `None` where it may not score answers.

    Raises:
        ValueError: if there is no such block, or it scores answers and may not.
    """
    block = fusion_blocks.get(fusion, dim=dim) if isinstance(fusion, str) else fusion
    block = fusion_blocks.get(block)
    if not block.returns_logits:
        return block
    if num_answers is None:
        raise ValueError(
            f"{type(block).__name__} scores answers, which cannot be written about. "
            "Choose another fusion block."
        )
    if isinstance(fusion, str):
        return fusion_blocks.get(fusion, dim=num_answers)
    return block
