import tensorflow as tf
import tensorflow_text as tf_text

# Regular expressions in RE2's dialect.
_SPACE = r"[\s\p{Z}\p{Cc}\p{Cf}]"
_SPLIT_CHARACTER = r"[!-/:-@\[-`{-~\p{P}\p{Han}]"


def split_words(texts: tf.Tensor, lowercase: bool) -> tf.RaggedTensor:
    """Split texts into words, punctuation marks and Han characters.

    Args:
        texts: `tf.string` `[batch]`.
        lowercase: bool. Lowercase the texts first.

    Returns:
        `tf.string` `tf.RaggedTensor` `[batch, (words)]`.
    """
    texts = tf_text.normalize_utf8(texts, "NFC")
    if lowercase:
        texts = tf.strings.lower(texts, encoding="utf-8")
    return tf_text.regex_split(
        texts,
        delim_regex_pattern=f"{_SPACE}|{_SPLIT_CHARACTER}",
        keep_delim_regex_pattern=_SPLIT_CHARACTER,
    )
