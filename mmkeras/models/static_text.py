"""What static forms of tasks that read or write text share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from mmkeras.decoding import DecodingOptions

if TYPE_CHECKING:
    from mmkeras.preprocessing import WordPieceTokenizer


def detokenizer_outputs(
    tokenizer: WordPieceTokenizer, token_ids: tf.Tensor
) -> dict[str, tf.Tensor]:
    """What hosts need to write ids as text.

    Args:
        tokenizer: a `WordPieceTokenizer`.
        token_ids: int `[texts, length]`.

    Returns:
        dict of `token_ids`, int32, and `joins`, int32, 1 for a token that no space
        precedes.
    """
    token_ids, joins = tokenizer.spell(token_ids)
    return {"token_ids": token_ids, "joins": tf.cast(joins, tf.int32)}


def special_tokens(tokenizer: WordPieceTokenizer) -> dict[str, int]:
    """The ids of the tokenizer's special tokens, for the description of a file."""
    return {
        "pad": tokenizer.pad_token_id,
        "unk": tokenizer.unk_token_id,
        "start": tokenizer.start_token_id,
        "end": tokenizer.end_token_id,
    }


def as_lines(tokens: Iterable[str]) -> str:
    """Tokens as a text file, one in a line."""
    return "".join(f"{token}\n" for token in tokens)


def refuse_sampling(options: Mapping[str, Any]) -> None:
    """Refuses decoding options that need random numbers.

    Raises:
        ValueError: if the options turn sampling on.
    """
    if DecodingOptions(**options).samples:
        raise ValueError(
            "LiteRT has no built-in operation for random numbers. Remove temperature, "
            "top_k and top_p, or export a captioner with stepwise=True and sample from "
            "the logits of each step."
        )
