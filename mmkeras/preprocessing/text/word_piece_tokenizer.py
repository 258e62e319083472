from __future__ import annotations

import collections
import os
from collections.abc import Iterable
from typing import Any

import keras
import keras_hub
import numpy as np
import tensorflow as tf

from mmkeras.preprocessing.text.learn_vocabulary import JOINER, learn_vocabulary
from mmkeras.preprocessing.text.special_tokens import (
    END_TOKEN,
    PAD_TOKEN,
    SPECIAL_TOKENS,
    START_TOKEN,
    UNK_TOKEN,
)
from mmkeras.preprocessing.text.split_words import split_words

# RE2 regular expressions. Kana form words of several characters, so they are not split,
# but there is no space between them and Han characters.
_CJK_PUNCTUATION = (
    r"[\x{3000}-\x{3004}\x{3008}-\x{3020}"
    r"\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF20}\x{FF3B}-\x{FF40}\x{FF5B}-\x{FF65}]"
)
_CJK = (
    r"[\p{Han}\p{Hiragana}\p{Katakana}\x{30FC}\x{2014}\x{2026}\x{00B7}"
    r"\x{2018}\x{2019}\x{201C}\x{201D}\x{3000}-\x{3004}\x{3008}-\x{3020}"
    r"\x{FF01}-\x{FF65}]"
)

_NO_SPACE_BEFORE = frozenset(",.!?:;'’”…)]}%-/_")
_NO_SPACE_AFTER = frozenset("([{“‘¿¡$#@-/_")
_APOSTROPHES = frozenset("'’")
_AFTER_APOSTROPHE = frozenset(("s", "t", "re", "ve", "ll", "d", "m", "clock"))
_INSIDE_NUMBERS = frozenset(".:")


@keras.saving.register_keras_serializable(package="mmkeras")
class WordPieceTokenizer(keras_hub.tokenizers.WordPieceTokenizer):
    """Tokenizes texts to word pieces and detokenizes them, in graph.

    Text is split at white space, at punctuation marks and at Han characters, then into
    the longest pieces of the vocabulary; a piece that continues a word starts with
    `##`. Full-width punctuation is preserved.

    The special tokens have fixed ids: `[PAD]` 0, `[UNK]` 1, `[START]` 2, `[END]` 3,
    also available as `pad_token_id`, `unk_token_id`, `start_token_id` and
    `end_token_id`. Text never produces `[PAD]`, `[START]` or `[END]`.

    Args:
        vocabulary: list of pieces, or path of a file with a piece per line. It starts
            with the four special tokens. `None` only for a tokenizer whose vocabulary
            is loaded from a preset.
        lowercase: bool, whether to lowercase the text first.
        sequence_length: int or `None`. If set, the output is dense, truncated or
            padded with 0 to this length.
        **kwargs: `name` and other arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: string scalar or `[batch]`.

    Output shape:
        int32 `tf.RaggedTensor` `[batch, (pieces)]`, or tensor
        `[batch, sequence_length]` if that is set; without `batch` for a scalar.

    Raises:
        ValueError: if the vocabulary does not start with the special tokens or has
            repeated pieces.

    Example:
        ```python
        tokenizer = WordPieceTokenizer.learn(["A cat.", "A dog."], 50)
        ids = tokenizer(["a cat."])
        tokenizer.detokenize(ids)  # [b"a cat."]
        ```

    Reference:
        - [Fast WordPiece Tokenization](https://arxiv.org/abs/2012.15524)
    """

    def __init__(
        self,
        vocabulary: list[str] | str | None = None,
        lowercase: bool = True,
        sequence_length: int | None = None,
        **kwargs: Any,
    ):
        self._expected_size = kwargs.pop("expected_vocabulary_size", None)
        self._add_special_token(PAD_TOKEN, "pad_token")
        self._add_special_token(UNK_TOKEN, "unk_token")
        self._add_special_token(START_TOKEN, "start_token")
        self._add_special_token(END_TOKEN, "end_token")
        # The parent only splits words into pieces. Its own splitting of text
        # lowercases by NFKC, which turns full-width punctuation into ASCII.
        super().__init__(
            vocabulary=vocabulary,
            sequence_length=sequence_length,
            lowercase=False,
            split=False,
            suffix_indicator=JOINER,
            oov_token=UNK_TOKEN,
            **kwargs,
        )
        self.lowercase = lowercase
        self.built = True

    @classmethod
    def learn(
        cls,
        texts: Iterable[str] | tf.data.Dataset,
        vocabulary_size: int = 8000,
        lowercase: bool = True,
        **kwargs: Any,
    ) -> WordPieceTokenizer:
        """Learns a vocabulary from texts, deterministically.

        All characters that fit are pieces themselves, so new words of known
        characters are not `[UNK]`.

        Args:
            texts: iterable of strings, or `tf.data.Dataset` of string tensors of any
                shape.
            vocabulary_size: int, maximum number of pieces, including the four special
                tokens. A small corpus gives fewer.
            lowercase: bool, whether to lowercase the texts first.
            **kwargs: passed to the constructor.

        Returns:
            A `WordPieceTokenizer`.

        Raises:
            ValueError: if the texts contain no word, or `vocabulary_size` is not larger
                than the number of special tokens.
        """
        vocabulary = learn_vocabulary(texts, vocabulary_size, lowercase)
        return cls(vocabulary=vocabulary, lowercase=lowercase, **kwargs)

    def set_vocabulary(self, vocabulary: list[str] | str | None) -> None:
        """Sets the vocabulary.

        Args:
            vocabulary: list of pieces, or path of a file with a piece per line.
        """
        self._spelling = None
        try:
            super().set_vocabulary(vocabulary)
        except RuntimeError:
            # TensorFlow Text rejects repeated pieces without naming them.
            _check_vocabulary(self.vocabulary, self._expected_size)
            raise
        if self.vocabulary is None:
            return
        _check_vocabulary(self.vocabulary, self._expected_size)
        self._spelling = _describe_pieces(self.vocabulary)

    def load_assets(self, dir_path: str) -> None:
        """Loads the vocabulary of a preset.

        Args:
            dir_path: string, folder of the assets.
        """
        try:
            super().load_assets(dir_path)
        except ValueError as error:
            path = os.path.join(dir_path, "vocabulary.txt")
            raise ValueError(f"'{path}' cannot be used. {error}") from error

    def tokenize(self, inputs: Any) -> tf.Tensor | tf.RaggedTensor:
        """Converts strings to ids; see the class for shapes."""
        self._check_vocabulary()
        inputs = tf.convert_to_tensor(inputs, tf.string)
        with tf.device("cpu"):
            words = split_words(tf.reshape(inputs, [-1]), self.lowercase)
            ids = self._fast_word_piece.tokenize(words).merge_dims(-2, -1)
            if self.sequence_length:
                ids = ids.to_tensor(shape=[None, self.sequence_length])
        return ids[0] if inputs.shape.rank == 0 else ids

    def detokenize(self, inputs: Any) -> tf.Tensor:
        """Converts ids to text, with core TensorFlow operations only.

        The first `[END]`, everything after it and all special tokens are dropped.
        Spaces follow the rules of writing: none between Chinese or Japanese
        characters, none before `,` or after `(`, and so on.

        Args:
            inputs: int `[..., length]`, ids, dense or ragged.

        Returns:
            string `[...]`.

        Raises:
            tf.errors.InvalidArgumentError: if an id is not in the vocabulary.
        """
        self._check_vocabulary()
        if isinstance(inputs, tf.RaggedTensor):
            inputs = inputs.to_tensor(default_value=self.pad_token_id)
        ids = tf.cast(tf.convert_to_tensor(inputs), tf.int32)
        with tf.device("cpu"):
            shape = tf.shape(ids)
            rows = tf.reshape(ids, [tf.reduce_prod(shape[:-1]), shape[-1]])
            text = self._write(rows)
            return tf.ensure_shape(tf.reshape(text, shape[:-1]), ids.shape[:-1])

    def continuation_ids(self) -> list[int]:
        """The ids of the pieces that continue the word before them.

        Returns:
            list of int.
        """
        return np.flatnonzero(self._spelling["continues"]).tolist()

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for fixed in (
            "strip_accents",
            "split",
            "suffix_indicator",
            "oov_token",
            "special_tokens",
            "special_tokens_in_strings",
        ):
            config.pop(fixed)
        # The vocabulary is an asset; its size reveals a truncated file.
        if self.vocabulary is not None:
            config["expected_vocabulary_size"] = len(self.vocabulary)
        return config

    def spell(self, token_ids: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Selects the ids that are written as text, and the spaces between them.

        Args:
            token_ids: int32 `[rows, length]`.

        Returns:
            Tuple `(token_ids, joins)`: int32 `[rows, length]`, the ids that are
            written, padded with 0; and bool `[rows, length]`, whether the piece is
            written without a space before it.
        """
        ended = tf.equal(token_ids, self.end_token_id)
        ended = tf.cumsum(tf.cast(ended, tf.int32), axis=1)
        special = token_ids < len(SPECIAL_TOKENS)
        dropped = tf.logical_or(ended > 0, special)
        # A stable sort moves the written pieces to the front, so that each is next to
        # the one that is written before it.
        order = tf.argsort(tf.cast(dropped, tf.int32), axis=1, stable=True)
        token_ids = tf.where(dropped, self.pad_token_id, token_ids)
        token_ids = tf.gather(token_ids, order, batch_dims=1)
        return token_ids, self._joins_previous(token_ids)

    def _write(self, ids: tf.Tensor) -> tf.Tensor:
        ids, joins = self.spell(ids)
        pieces = tf.gather(tf.constant(self._spelling["text"]), ids)
        spaces = tf.where(joins, "", " ")
        written = tf.not_equal(ids, self.pad_token_id)
        return tf.strings.reduce_join(
            tf.where(written, tf.strings.join([spaces, pieces]), ""), axis=1
        )

    def _joins_previous(self, ids: tf.Tensor) -> tf.Tensor:
        def has(name, ids):
            return tf.gather(tf.constant(self._spelling[name]), ids)

        before = _shift(ids)
        quotes = has("quote", ids)
        quotes_before = tf.cumsum(tf.cast(quotes, tf.int32), axis=1, exclusive=True)
        inside_quotes = tf.equal(quotes_before % 2, 1)
        first = tf.equal(tf.range(tf.shape(ids)[1]), 0)
        rules = [
            tf.broadcast_to(first, tf.shape(ids)),
            has("continues", ids),
            has("no_space_before", ids),
            has("no_space_after", before),
            has("starts_cjk", ids) & has("ends_cjk", before),
            has("after_apostrophe", ids) & has("apostrophe", before),
            has("number", ids)
            & has("inside_numbers", before)
            & has("number", _shift(before)),
            quotes & inside_quotes,
            has("quote", before) & inside_quotes,
        ]
        return tf.reduce_any(tf.stack(rules), axis=0)


def _shift(ids: tf.Tensor) -> tf.Tensor:
    # The first place becomes [PAD], for which all rules are false.
    return tf.pad(ids, [[0, 0], [1, 0]])[:, :-1]


def _check_vocabulary(vocabulary: list[str], expected_size: int | None) -> None:
    if tuple(vocabulary[: len(SPECIAL_TOKENS)]) != SPECIAL_TOKENS:
        raise ValueError(
            f"`vocabulary` must start with {list(SPECIAL_TOKENS)}. Learn one with "
            "`WordPieceTokenizer.learn(texts)`. "
            f"Received: {vocabulary[: len(SPECIAL_TOKENS)]}."
        )
    repeated = [p for p, n in collections.Counter(vocabulary).items() if n > 1]
    if repeated or "" in vocabulary:
        raise ValueError(
            "`vocabulary` must contain every piece once and no empty piece. "
            f"Received repeated or empty pieces: {repeated[:5] or ['']}."
        )
    if expected_size is not None and len(vocabulary) != expected_size:
        raise ValueError(
            f"The vocabulary file has {len(vocabulary)} pieces, but the configuration "
            f"expects {expected_size}: it is truncated or belongs to another preset. "
            "Copy `vocabulary.txt` from the original preset again."
        )


def _describe_pieces(vocabulary: list[str]) -> dict[str, np.ndarray]:
    """Properties of the pieces by which `detokenize` decides about spaces."""
    continues = [p.startswith(JOINER) and len(p) > len(JOINER) for p in vocabulary]
    text = [
        piece[len(JOINER) :] if joins else piece
        for piece, joins in zip(vocabulary, continues, strict=True)
    ]
    wide = _matches(text, _CJK_PUNCTUATION)
    # The special tokens are never written, and [PAD] precedes the first piece of a
    # row, so all rules must be false for them.
    is_text = np.arange(len(vocabulary)) >= len(SPECIAL_TOKENS)

    def flag(condition):
        return np.array([condition(t) for t in text]) & is_text

    return {
        "text": np.array([t.encode() for t in text], dtype=object),
        "continues": np.array(continues),
        "no_space_before": flag(lambda t: t in _NO_SPACE_BEFORE) | wide,
        "no_space_after": flag(lambda t: t in _NO_SPACE_AFTER) | wide,
        "starts_cjk": _matches([t[0] for t in text], _CJK),
        "ends_cjk": _matches([t[-1] for t in text], _CJK),
        "apostrophe": flag(lambda t: t in _APOSTROPHES),
        "after_apostrophe": flag(lambda t: t.lower() in _AFTER_APOSTROPHE),
        "number": flag(str.isdigit),
        "inside_numbers": flag(lambda t: t in _INSIDE_NUMBERS),
        "quote": flag(lambda t: t == '"'),
    }


def _matches(texts: list[str], pattern: str) -> np.ndarray:
    # A layer may be rebuilt while a graph is traced; this is plain data.
    with tf.init_scope():
        return tf.strings.regex_full_match(texts, pattern).numpy()
