from __future__ import annotations

import tensorflow as tf


def listed_texts(texts: tf.Tensor | tf.RaggedTensor) -> list[list[str]]:
    """The texts of a batch, a list for each picture.

    Args:
        texts: string `[batch, (texts)]`, or `[batch]` for one of each picture.
    """
    if not isinstance(texts, tf.RaggedTensor):
        texts = tf.RaggedTensor.from_tensor(tf.reshape(texts, [tf.shape(texts)[0], -1]))
    return [[text.decode("utf-8") for text in row] for row in texts.to_list()]
