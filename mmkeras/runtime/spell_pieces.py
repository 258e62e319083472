from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_JOINER = "##"


def spell_pieces(
    token_ids: np.ndarray, joins: np.ndarray, vocabulary: Sequence[str]
) -> str:
    """The text of what a LiteRT file wrote.

    Args:
        token_ids: int `[length]`, the pieces in their order, and 0 after the last.
        joins: int `[length]`, 1 where no space stands before the piece.
        vocabulary: sequence of strings, the lines of `vocab.txt`.

    Returns:
        string.
    """
    text = ""
    for token_id, joined in zip(token_ids, joins, strict=True):
        if token_id == 0:
            break
        piece = vocabulary[token_id]
        if piece.startswith(_JOINER) and piece != _JOINER:
            piece = piece[len(_JOINER) :]
        text += piece if joined else f" {piece}"
    return text
