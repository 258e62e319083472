from __future__ import annotations

import collections
import re
from typing import Any

import keras
import keras_hub
import tensorflow as tf

_PUNCTUATION = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_UNKNOWN = "[UNK]"
# Appended to the vocabulary if unknown words are dropped.
_DROPPED = "\ufffd"


@keras.saving.register_keras_serializable(package="mmkeras")
class WordTokenizer(keras_hub.tokenizers.WordPieceTokenizer):
    """Tokenizes texts to whole words, for text encoders of Keras 2, in graph.

    By default the ids equal those of `tf_keras.preprocessing.text.Tokenizer`; with
    `punctuation="!\\"#$%&()*+,-./:;<=>?@[\\\\]^_`{|}~'"` and `separator=""`, those of
    `tf_keras.layers.TextVectorization`.

    Args:
        vocabulary: list of words in the order of their ids, or path of a file with a
            word per line. The first one, with id 0, is padding, whatever its name.
            `None` only for a tokenizer whose vocabulary is loaded from a preset.
        oov_token: string, the word of the vocabulary that replaces unknown words, or
            `None` to drop unknown words.
        punctuation: string, the characters to remove.
        separator: string that replaces them.
        lowercase: bool, whether to lowercase the text first.
        **kwargs: `name` and other arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: string scalar or `[batch]`.

    Output shape:
        int32 `tf.RaggedTensor` `[batch, (words)]`; without `batch` for a scalar.

    Raises:
        ValueError: if the vocabulary has a repeated or empty word.

    Example:
        ```python
        config = json.loads(old_tokenizer.to_json())["config"]
        words = json.loads(config["index_word"])
        words = [words[key] for key in sorted(words, key=int)]
        WordTokenizer(["[PAD]", *words], oov_token=config["oov_token"])
        ```
    """

    def __init__(
        self,
        vocabulary: list[str] | str | None = None,
        oov_token: str | None = _UNKNOWN,
        punctuation: str = _PUNCTUATION,
        separator: str = " ",
        lowercase: bool = True,
        **kwargs: Any,
    ):
        self._drops_unknown = oov_token is None
        # The parent only looks up words.
        super().__init__(
            vocabulary=vocabulary,
            lowercase=False,
            split=False,
            oov_token=oov_token or _DROPPED,
            **kwargs,
        )
        self.punctuation = punctuation
        self.separator = separator
        self.lowercase = lowercase
        self.pad_token_id = 0
        self.built = True

    def set_vocabulary(self, vocabulary: list[str] | str | None) -> None:
        """Sets the vocabulary.

        Args:
            vocabulary: list of words, or path of a file with a word per line.
        """
        if isinstance(vocabulary, str):
            with open(vocabulary, encoding="utf-8") as file:
                vocabulary = file.read().splitlines()
        if vocabulary is None:
            super().set_vocabulary(None)
            return
        # The first one is padding, not a word.
        words = ["[PAD]", *list(vocabulary)[1:]]
        repeated = [w for w, number in collections.Counter(words).items() if number > 1]
        if repeated or "" in words:
            raise ValueError(
                "`vocabulary` must contain every word once and no empty word. Received "
                f"repeated or empty words: {repeated[:5] or ['']}."
            )
        super().set_vocabulary([*words, _DROPPED] if self._drops_unknown else words)
        self.vocabulary = words

    def tokenize(self, inputs: Any) -> tf.Tensor | tf.RaggedTensor:
        """Converts strings to ids; see the class for shapes."""
        self._check_vocabulary()
        inputs = tf.convert_to_tensor(inputs, tf.string)
        with tf.device("cpu"):
            words = tf.strings.split(self._normalize(tf.reshape(inputs, [-1])))
            ids = self._fast_word_piece.tokenize(words).merge_dims(-2, -1)
            if self._drops_unknown:
                ids = tf.ragged.boolean_mask(ids, ids < len(self.vocabulary))
        return ids[0] if inputs.shape.rank == 0 else ids

    def _normalize(self, texts: tf.Tensor) -> tf.Tensor:
        if self.lowercase:
            texts = tf.strings.lower(texts, encoding="utf-8")
        if not self.punctuation:
            return texts
        # Only \ ] ^ and - are special in brackets; RE2 rejects other escapes.
        characters = re.sub(r"([\\\]\[^-])", r"\\\1", self.punctuation)
        return tf.strings.regex_replace(texts, f"[{characters}]", self.separator)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for fixed in (
            "sequence_length",
            "strip_accents",
            "split",
            "split_on_cjk",
            "suffix_indicator",
            "special_tokens",
            "special_tokens_in_strings",
        ):
            config.pop(fixed, None)
        if self._drops_unknown:
            config["oov_token"] = None
        return {
            **config,
            "punctuation": self.punctuation,
            "separator": self.separator,
            "lowercase": self.lowercase,
        }
