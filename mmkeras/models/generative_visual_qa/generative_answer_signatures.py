from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from mmkeras.models.signature import row_signature

if TYPE_CHECKING:
    from mmkeras.models import GenerativeVisualQA


def generative_answer_signatures(
    task: GenerativeVisualQA, **options: Any
) -> dict[str, tuple[Callable, list[tf.TensorSpec]]]:
    """The signature of a served `GenerativeVisualQA`.

    `serving_default`: `answer` string `[batch]`, `score` float32 `[batch]`, `error`
    string `[batch]`. A row whose image is unreadable, or whose question is blank, has
    an empty answer, a score of 0 and an `error`.

    Args:
        task: a `GenerativeVisualQA`.
        **options: options of `mmkeras.decoding.DecodingOptions` except
            `num_sequences`.

    Returns:
        dict from the name of the signature to its function and the specifications of
        its inputs, `image_bytes` and `question`.

    Raises:
        TypeError: if an option is unknown.
        ValueError: if an option is out of range.
    """
    if options.pop("num_sequences", 1) != 1:
        raise ValueError(
            "The SavedModel of a GenerativeVisualQA gives one answer to a question. "
            "Remove `num_sequences`."
        )
    generate = task.generator(**options)

    def answer(images, question):
        present = tf.ones(tf.shape(question), tf.bool)
        result = generate(images, present, tf.expand_dims(question, 1))
        texts = task.preprocessor.generate_postprocess(result.token_ids[:, 0])
        return {"answer": texts, "score": result.scores[:, 0]}

    return {"serving_default": row_signature(task.preprocessor, answer, ("question",))}
