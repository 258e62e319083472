from __future__ import annotations

from typing import Any

import keras
import keras_hub
import tensorflow as tf
import tensorflow_text as tf_text

# RE2 regular expressions. The Han characters are those of the reference, in which
# extension E starts at 2B920.
_REMOVED = r"[^\P{C}\t\n\r]|\x{FFFD}"
_HAN = (
    r"[\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{20000}-\x{2A6DF}\x{2A700}-\x{2B73F}"
    r"\x{2B740}-\x{2B81F}\x{2B920}-\x{2CEAF}\x{F900}-\x{FAFF}\x{2F800}-\x{2FA1F}]"
)
_PUNCTUATION = r"[!-/:-@\[-`{-~\p{P}]"
_SPACE = r"[\s\p{Z}]"
_MAX_WORD_LENGTH = 100
_MAX_CHARACTER_BYTES = 4


@keras.saving.register_keras_serializable(package="mmkeras")
class BertTokenizer(keras_hub.tokenizers.BertTokenizer):
    """Tokenizes texts to the word pieces of a pretrained uncased BERT, in graph.

    The ids equal those of Hugging Face's `BertTokenizer`: text is lowercased, accents
    and control characters are removed, Han characters and punctuation marks are split,
    and words that the vocabulary cannot encode become `[UNK]`. KerasHub's tokenizer
    normalizes more ("ß" to "ss", "①" to "1"). Special tokens in a text are ordinary
    text.

    Args:
        vocabulary: list of pieces, or path of a file with a piece per line, including
            `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]` and `[MASK]`. `None` only for a
            tokenizer whose vocabulary is loaded from a preset.
        **kwargs: `name` and other arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: string scalar or `[batch]`.

    Output shape:
        int32 `tf.RaggedTensor` `[batch, (pieces)]`; without `batch` for a scalar.
        `pack_tokens` adds `[CLS]` and `[SEP]`.

    Example:
        ```python
        tokenizer = BertTokenizer("vocab.txt")
        tokenizer(["is there a cat?"])  # [[2003, 2045, 1037, 4937, 1029]]
        ```

    Reference:
        - [Devlin et al., 2018](https://arxiv.org/abs/1810.04805)
    """

    def __init__(self, vocabulary: list[str] | str | None = None, **kwargs: Any):
        super().__init__(vocabulary=vocabulary, lowercase=True, **kwargs)
        self.built = True

    def set_vocabulary(self, vocabulary: list[str] | str | None) -> None:
        """Sets the vocabulary.

        Args:
            vocabulary: list of pieces, or path of a file with a piece per line.
        """
        super().set_vocabulary(vocabulary)
        if self.vocabulary is None:
            return
        # The parent limits words by bytes, BERT by characters.
        self._fast_word_piece = tf_text.FastWordpieceTokenizer(
            self.vocabulary,
            max_bytes_per_word=_MAX_WORD_LENGTH * _MAX_CHARACTER_BYTES,
            token_out_type=tf.int32,
            unknown_token=self.oov_token,
            no_pretokenization=True,
            support_detokenization=True,
        )

    def tokenize(self, inputs: Any) -> tf.Tensor | tf.RaggedTensor:
        """Converts strings to ids; see the class for shapes."""
        self._check_vocabulary()
        inputs = tf.convert_to_tensor(inputs, tf.string)
        with tf.device("cpu"):
            words = _split(tf.reshape(inputs, [-1]))
            ids = self._fast_word_piece.tokenize(words).merge_dims(-2, -1)
        return ids[0] if inputs.shape.rank == 0 else ids

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for fixed in (
            "sequence_length",
            "lowercase",
            "strip_accents",
            "split",
            "suffix_indicator",
            "oov_token",
            "special_tokens",
            "special_tokens_in_strings",
        ):
            config.pop(fixed)
        return config


def _split(texts: tf.Tensor) -> tf.RaggedTensor:
    texts = tf.strings.regex_replace(texts, _REMOVED, "")
    texts = tf.strings.regex_replace(texts, _HAN, r" \0 ")
    texts = tf_text.normalize_utf8(texts, "NFD")
    texts = tf.strings.regex_replace(texts, r"\p{Mn}", "")
    # A final sigma would otherwise become "ς".
    texts = tf.strings.regex_replace(texts, "Σ", "σ")
    texts = tf.strings.lower(texts, encoding="utf-8")
    words = tf_text.regex_split(texts, f"{_SPACE}|{_PUNCTUATION}", _PUNCTUATION)
    too_long = tf.strings.length(words.flat_values, "UTF8_CHAR") > _MAX_WORD_LENGTH
    # A character that was removed above, so no piece contains it.
    return words.with_flat_values(tf.where(too_long, "\ufffd", words.flat_values))
