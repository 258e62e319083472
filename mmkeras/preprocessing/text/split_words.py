from __future__ import annotations

import tensorflow as tf
import tensorflow_text as tf_text

# RE2 regular expressions.
_SPACE = r"[\s\p{Z}\p{Cc}\p{Cf}]"
_SPLIT_CHARACTER = r"[!-/:-@\[-`{-~\p{P}\p{Han}]"


def split_words(texts: tf.Tensor, lowercase: bool) -> tf.RaggedTensor:
    """Splits texts into words, punctuation marks and Han characters.

    Args:
        texts: string `[batch]`.
        lowercase: bool, whether to lowercase the texts first.

    Returns:
        Ragged string tensor `[batch, (words)]`.
    """
    texts = tf_text.normalize_utf8(texts, "NFC")
    if lowercase:
        texts = tf.strings.lower(texts, encoding="utf-8")
    return tf_text.regex_split(
        texts,
        delim_regex_pattern=f"{_SPACE}|{_SPLIT_CHARACTER}",
        keep_delim_regex_pattern=_SPLIT_CHARACTER,
    )
