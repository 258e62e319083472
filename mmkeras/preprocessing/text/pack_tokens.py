from __future__ import annotations

from collections.abc import Iterable

import keras_hub
import tensorflow as tf

from mmkeras.arguments import whole_number

# An RE2 regular expression.
_BLANK = r"[\s\p{Z}\p{Cc}\p{Cf}]*"
# The maximum length of a word of WordPiece.
_CHARACTERS_PER_TOKEN = 100


def pack_tokens(
    tokenizer: keras_hub.tokenizers.Tokenizer,
    texts: tf.Tensor | Iterable[str],
    length: int,
) -> tf.Tensor:
    """Tokenizes texts to rows of equal length, with start and end tokens, in graph.

    Texts that are too long are truncated and keep their end token; at most 100
    characters per token of `length` are read. Empty and blank texts, and texts without
    any token, become padding only, which encoders treat as a missing text.

    Args:
        tokenizer: a `WordPieceTokenizer`, or a tokenizer of KerasHub. Its
            `start_token_id` and `end_token_id` are added if it has them.
        texts: string `[rows]`.
        length: int, length of the rows, larger than the number of added tokens.

    Returns:
        int32 `[rows, length]`, padded with the tokenizer's `pad_token_id`.

    Raises:
        ValueError: if the tokenizer has no `pad_token_id`, or `length` is too small
            for a token.

    Example:
        ```python
        tokenizer = WordPieceTokenizer(["[PAD]", "[UNK]", "[START]", "[END]", "cat"])
        pack_tokens(tokenizer, ["cat", ""], 4)  # [[2, 4, 3, 0], [0, 0, 0, 0]]
        ```
    """
    pad = getattr(tokenizer, "pad_token_id", None)
    if pad is None:
        raise ValueError(
            f"{type(tokenizer).__name__} has no `pad_token_id`, which short texts are "
            "padded with. Use a tokenizer that has a padding token."
        )
    start = _special(tokenizer, "start_token_id")
    end = _special(tokenizer, "end_token_id")
    # One token beside the start and end tokens.
    length = whole_number("length", length, minimum=1 + len(start) + len(end))
    room = length - len(start) - len(end)
    texts = _cut(tf.convert_to_tensor(texts, tf.string), _CHARACTERS_PER_TOKEN * length)
    ids = _ragged(tokenizer(texts), pad)[:, :room]
    blank = tf.strings.regex_full_match(texts, _BLANK) | (ids.row_lengths() == 0)
    rows = tf.shape(texts)[0]
    parts = [_column(start, rows), ids, _column(end, rows)]
    dense = tf.concat(parts, axis=1).to_tensor(pad, shape=[None, length])
    return tf.where(tf.expand_dims(blank, 1), tf.constant(pad, tf.int32), dense)


def _cut(texts: tf.Tensor, characters: int) -> tf.Tensor:
    """Truncates texts to a number of characters, and replaces invalid UTF-8."""
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")
    # Byte-pair encoding is quadratic in the length of a word: minutes for 10,000
    # characters without a space.
    return tf.strings.substr(texts, 0, characters, unit="UTF8_CHAR")


def _special(tokenizer: keras_hub.tokenizers.Tokenizer, name: str) -> list[int]:
    token_id = getattr(tokenizer, name, None)
    return [] if token_id is None else [token_id]


def _ragged(ids: tf.Tensor | tf.RaggedTensor | list, pad: int) -> tf.RaggedTensor:
    """Removes padding, which a tokenizer with `sequence_length` adds."""
    # KerasHub's tokenizers return lists outside of a graph.
    if isinstance(ids, list):
        return tf.ragged.constant(ids, tf.int32, ragged_rank=1)
    if not isinstance(ids, tf.RaggedTensor):
        ids = tf.RaggedTensor.from_tensor(ids, padding=pad)
    return tf.cast(ids, tf.int32)


def _column(tokens: list[int], rows: tf.Tensor) -> tf.RaggedTensor:
    column = tf.broadcast_to(tf.constant(tokens, tf.int32), [rows, len(tokens)])
    return tf.RaggedTensor.from_tensor(column)
