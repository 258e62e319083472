"""Text to the word pieces of an uncased BERT, in graph."""

from typing import Any

import keras
import keras_hub
import tensorflow as tf
import tensorflow_text as tf_text

# Regular expressions in RE2's dialect. The Han characters are those of the reference,
# in which extension E begins at 2B920.
_DROPPED = r"[^\P{C}\t\n\r]|\x{FFFD}"
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
    """Cut texts into the word pieces of a pretrained uncased BERT.

    Gives the ids of Hugging Face's `BertTokenizer`: lower case, no accents, Han
    characters and punctuation marks apart, control characters dropped, `[UNK]` for
    a word that the vocabulary cannot spell. KerasHub's folds more than the case
    ("ß" to "ss", "①" to "1"). A special token that a text names is text.

    Args:
        vocabulary: List of pieces, or path of a file with one piece per line, with
            `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]` and `[MASK]` among them. `None` only
            for a tokenizer whose vocabulary is then loaded from a preset.
        **kwargs: `name` and other arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `tf.string` scalar or `[batch]`, or the Python equivalent.

    Output shape:
        `int32`: a `tf.RaggedTensor` `[batch, (pieces)]`; without `batch` for a
        scalar. `pack_tokens` adds `[CLS]` and `[SEP]`.

    Reference:
    - [Devlin et al., 2018](https://arxiv.org/abs/1810.04805)
    """

    def __init__(self, vocabulary: list[str] | str | None = None, **kwargs: Any):
        super().__init__(vocabulary=vocabulary, lowercase=True, **kwargs)
        self.built = True

    def set_vocabulary(self, vocabulary: list[str] | str | None) -> None:
        """Set the vocabulary from a list of pieces or the path of a file."""
        super().set_vocabulary(vocabulary)
        if self.vocabulary is None:
            return
        # The parent's limits a word by its bytes, BERT's by its characters.
        self._fast_word_piece = tf_text.FastWordpieceTokenizer(
            self.vocabulary,
            max_bytes_per_word=_MAX_WORD_LENGTH * _MAX_CHARACTER_BYTES,
            token_out_type=tf.int32,
            unknown_token=self.oov_token,
            no_pretokenization=True,
            support_detokenization=True,
        )

    def tokenize(self, inputs: Any) -> tf.Tensor | tf.RaggedTensor:
        """Turn strings into ids; see the class for shapes."""
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
    texts = tf.strings.regex_replace(texts, _DROPPED, "")
    texts = tf.strings.regex_replace(texts, _HAN, r" \0 ")
    texts = tf_text.normalize_utf8(texts, "NFD")
    texts = tf.strings.regex_replace(texts, r"\p{Mn}", "")
    # By itself, a last sigma would become "ς".
    texts = tf.strings.regex_replace(texts, "Σ", "σ")
    texts = tf.strings.lower(texts, encoding="utf-8")
    words = tf_text.regex_split(texts, f"{_SPACE}|{_PUNCTUATION}", _PUNCTUATION)
    too_long = tf.strings.length(words.flat_values, "UTF8_CHAR") > _MAX_WORD_LENGTH
    # No piece spells what was dropped above.
    return words.with_flat_values(tf.where(too_long, "\ufffd", words.flat_values))
