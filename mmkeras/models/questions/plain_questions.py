from __future__ import annotations

import numpy as np
import tensorflow as tf


def plain_questions(questions):
    """Questions of a batch as strings; any others as they are.

    Args:
        questions: as a user has them: strings, lists, or what a dataset gives as
            `question`: a string tensor, a `tf.RaggedTensor` or an array of either.

    Returns:
        Of a tensor or an array a string, or lists of strings in its shape.
    """
    if isinstance(questions, (tf.RaggedTensor, tf.compat.v1.ragged.RaggedTensorValue)):
        return _decoded(questions.to_list())
    if isinstance(questions, (tf.Tensor, np.ndarray, np.generic)):
        return _decoded(np.asarray(questions).tolist())
    return questions


def _decoded(texts):
    if isinstance(texts, list):
        return [_decoded(text) for text in texts]
    return texts.decode("utf-8") if isinstance(texts, bytes) else texts
