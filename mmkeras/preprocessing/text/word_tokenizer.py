"""Text to whole words, as Keras 2 cuts it, in graph."""

import collections
import re
from typing import Any

import keras
import keras_hub
import tensorflow as tf

_PUNCTUATION = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
_UNKNOWN = "[UNK]"
# Stands behind the vocabulary where unknown words are left out.
_LEFT_OUT = "\ufffd"


@keras.saving.register_keras_serializable(package="mmkeras")
class WordTokenizer(keras_hub.tokenizers.WordPieceTokenizer):
    """Cut texts into whole words, for a text encoder of Keras 2.

    With the defaults, gives the ids of `tf_keras.preprocessing.text.Tokenizer`; with
    `punctuation="!\\"#$%&()*+,-./:;<=>?@[\\\\]^_`{|}~'"` and `separator=""`, those of
    `tf_keras.layers.TextVectorization`.

    Args:
        vocabulary: List of words in the order of their ids, or path of a file with one
            word per line. The first, of id 0, stands for padding, whatever it is
            called. `None` only for a tokenizer whose vocabulary is then loaded from a
            preset.
        oov_token: string, the word of the vocabulary that unknown ones become; or
            `None` to leave unknown words out.
        punctuation: string of characters that are taken out.
        separator: string that is put in their place.
        lowercase: bool. Lowercase the text first.
        **kwargs: `name` and other arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: `tf.string` scalar or `[batch]`, or the Python equivalent.

    Output shape:
        `int32`: a `tf.RaggedTensor` `[batch, (words)]`; without `batch` for a scalar.

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
        # The parent only looks the words up.
        super().__init__(
            vocabulary=vocabulary,
            lowercase=False,
            split=False,
            oov_token=oov_token or _LEFT_OUT,
            **kwargs,
        )
        self.punctuation = punctuation
        self.separator = separator
        self.lowercase = lowercase
        self.pad_token_id = 0
        self.built = True

    def set_vocabulary(self, vocabulary: list[str] | str | None) -> None:
        """Set the vocabulary from a list of words or the path of a file."""
        if isinstance(vocabulary, str):
            with open(vocabulary, encoding="utf-8") as file:
                vocabulary = file.read().splitlines()
        if vocabulary is None:
            super().set_vocabulary(None)
            return
        # The first is no word of a text.
        words = ["[PAD]", *list(vocabulary)[1:]]
        repeated = [w for w, number in collections.Counter(words).items() if number > 1]
        if repeated or "" in words:
            raise ValueError(
                "The vocabulary must hold every word once and no empty word. Received "
                f"repeated or empty words: {repeated[:5] or ['']}"
            )
        super().set_vocabulary([*words, _LEFT_OUT] if self._drops_unknown else words)
        self.vocabulary = words

    def tokenize(self, inputs: Any) -> tf.Tensor | tf.RaggedTensor:
        """Turn strings into ids; see the class for shapes."""
        self._check_vocabulary()
        inputs = tf.convert_to_tensor(inputs, tf.string)
        with tf.device("cpu"):
            words = tf.strings.split(self._plain(tf.reshape(inputs, [-1])))
            ids = self._fast_word_piece.tokenize(words).merge_dims(-2, -1)
            if self._drops_unknown:
                ids = tf.ragged.boolean_mask(ids, ids < len(self.vocabulary))
        return ids[0] if inputs.shape.rank == 0 else ids

    def _plain(self, texts: tf.Tensor) -> tf.Tensor:
        if self.lowercase:
            texts = tf.strings.lower(texts, encoding="utf-8")
        if not self.punctuation:
            return texts
        # No escape that RE2 does not know: only \ ] ^ and - mean anything in brackets.
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
