from __future__ import annotations

import tensorflow as tf

QUESTION_INPUTS = [
    tf.TensorSpec([None], tf.string, name="image_bytes"),
    tf.TensorSpec([None], tf.string, name="question"),
]


def read_question_requests(
    preprocessor, image_bytes: tf.Tensor, question: tf.Tensor
) -> tuple[tuple[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]:
    """What a server was asked, each row failing on its own.

    Args:
        preprocessor: a `QuestionPreprocessor`.
        image_bytes: string `[batch]`.
        question: string `[batch]`.

    Returns:
        Pictures, float32 `[rows, size, size, 3]`, bool `[rows]` and questions, string
        `[rows, 1]`, as the tasks' graphs take them, with at least one row; and string
        `[batch]`, what is wrong with each row, empty where nothing is.
    """
    images, error = preprocessor.image_converter.convert(image_bytes)
    blank = tf.equal(tf.strings.strip(question), "")
    error = tf.where(tf.equal(error, "") & blank, "the question is empty", error)
    rows = tf.shape(images)[0]
    # Convolutions refuse an empty batch, so it is given one blank picture.
    spare = tf.maximum(1 - rows, 0)
    images = tf.pad(images, [[0, spare], [0, 0], [0, 0], [0, 0]])
    question = tf.pad(tf.expand_dims(question, 1), [[0, spare], [0, 0]])
    return (images, tf.ones([rows + spare], tf.bool), question), error
