from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_JOINER = "##"


def join_pieces(
    token_ids: np.ndarray, joins: np.ndarray, vocabulary: Sequence[str]
) -> str:
    """Joins the word pieces that a LiteRT file returns to text.

    Args:
        token_ids: int `[length]`, ids of the pieces, padded with 0.
        joins: int `[length]`, 1 for pieces without a space before them.
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
