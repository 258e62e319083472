from __future__ import annotations

import keras

from mmkeras.layers import fusion as fusion_blocks


def fusion_block_of(
    fusion: str | keras.layers.Layer, dim: int, num_answers: int | None
) -> keras.layers.Layer:
    """Builds a fusion block by its name, or returns a given one.

    Args:
        fusion: string, one of `mmkeras.layers.fusion.names()`, or a fusion block.
        dim: int, dimension of the block.
        num_answers: int, the dimension of a block that returns logits of answers;
            `None` if it must not return logits.

    Raises:
        ValueError: if the block is unknown, or returns logits and must not.
    """
    block = fusion_blocks.get(fusion, dim=dim) if isinstance(fusion, str) else fusion
    block = fusion_blocks.get(block)
    if not block.returns_logits:
        return block
    if num_answers is None:
        raise ValueError(
            f"{type(block).__name__} returns logits of answers, which a text decoder "
            "cannot read. Choose another fusion block."
        )
    if isinstance(fusion, str):
        return fusion_blocks.get(fusion, dim=num_answers)
    return block
