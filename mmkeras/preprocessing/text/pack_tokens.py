"""Texts to rows of tokens, all of one length, in graph."""

from collections.abc import Iterable

import keras_hub
import tensorflow as tf

# Regular expression in RE2's dialect.
_BLANK = r"[\s\p{Z}\p{Cc}\p{Cf}]*"
# As long as a word of WordPiece can be.
_CHARACTERS_PER_TOKEN = 100


def pack_tokens(
    tokenizer: keras_hub.tokenizers.Tokenizer,
    texts: tf.Tensor | Iterable[str],
    length: int,
) -> tf.Tensor:
    """Cuts texts into tokens, between the marks of a beginning and an end.

    A text that is too long is cut and keeps its end token; of each, 100 characters per
    token of `length` are read. An empty or blank one, or one of which the tokenizer
    leaves nothing, becomes padding alone, which encoders take for the absence of a
    text.

    Args:
        tokenizer: a `WordPieceTokenizer`, or a tokenizer of KerasHub. Those of its
            `start_token_id` and `end_token_id` that it has are added.
        texts: `tf.string` `[rows]`.
        length: int, length of the rows, at least 1 and the added tokens.

    Returns:
        int32 `[rows, length]`, padded with the tokenizer's `pad_token_id`.

    Raises:
        ValueError: if the tokenizer has no `pad_token_id`, or `length` has no room
            for a token.

    Example:

    >>> tokenizer = WordPieceTokenizer(["[PAD]", "[UNK]", "[START]", "[END]", "cat"])
    >>> pack_tokens(tokenizer, ["cat", ""], 4)
    <tf.Tensor: shape=(2, 4), dtype=int32, numpy=
    array([[2, 4, 3, 0],
           [0, 0, 0, 0]], dtype=int32)>
    """
    pad = getattr(tokenizer, "pad_token_id", None)
    if pad is None:
        raise ValueError(
            f"{type(tokenizer).__name__} has no `pad_token_id`, with which short texts "
            "are filled up. Take a tokenizer that has a padding token."
        )
    start = _mark(tokenizer, "start_token_id")
    end = _mark(tokenizer, "end_token_id")
    room = length - len(start) - len(end)
    if room < 1:
        raise ValueError(
            "`length` must have room for a token beside those of the beginning and the "
            f"end, {length - room + 1} in all. Received: length={length}."
        )
    texts = _cut(tf.convert_to_tensor(texts, tf.string), _CHARACTERS_PER_TOKEN * length)
    ids = _ragged(tokenizer(texts), pad)[:, :room]
    blank = tf.strings.regex_full_match(texts, _BLANK) | (ids.row_lengths() == 0)
    rows = tf.shape(texts)[0]
    parts = [_column(start, rows), ids, _column(end, rows)]
    dense = tf.concat(parts, axis=1).to_tensor(pad, shape=[None, length])
    return tf.where(tf.expand_dims(blank, 1), tf.constant(pad, tf.int32), dense)


def _cut(texts: tf.Tensor, characters: int) -> tf.Tensor:
    """The beginning of texts, in valid UTF-8."""
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")
    # The byte pairs of a word take a time that is quadratic in its length: minutes
    # for 10,000 characters without a space.
    return tf.strings.substr(texts, 0, characters, unit="UTF8_CHAR")


def _mark(tokenizer: keras_hub.tokenizers.Tokenizer, name: str) -> list[int]:
    token_id = getattr(tokenizer, name, None)
    return [] if token_id is None else [token_id]


def _ragged(ids: tf.Tensor | tf.RaggedTensor | list, pad: int) -> tf.RaggedTensor:
    """The ids without padding, which a tokenizer with `sequence_length` adds."""
    # What those of KerasHub return outside of a graph.
    if isinstance(ids, list):
        return tf.ragged.constant(ids, tf.int32, ragged_rank=1)
    if not isinstance(ids, tf.RaggedTensor):
        ids = tf.RaggedTensor.from_tensor(ids, padding=pad)
    return tf.cast(ids, tf.int32)


def _column(mark: list[int], rows: tf.Tensor) -> tf.RaggedTensor:
    column = tf.broadcast_to(tf.constant(mark, tf.int32), [rows, len(mark)])
    return tf.RaggedTensor.from_tensor(column)
