from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import tensorflow as tf

from mmkeras.arguments import whole_number
from mmkeras.models.signature import row_signature

if TYPE_CHECKING:
    from mmkeras.models import VisualQA


def answer_signatures(
    task: VisualQA, num_sequences: int = 3
) -> dict[str, tuple[Callable, list[tf.TensorSpec]]]:
    """The signatures of a served `VisualQA`.

    - `serving_default`: `answer` string `[batch]`, `score` float32 `[batch]`, its
      probability, `error` string `[batch]`.
    - `top_k`: `answers` string `[batch, num_sequences]`, best first, `scores` float32
      `[batch, num_sequences]`, `error`.

    A row whose image is unreadable, or whose question is blank, has empty outputs and
    an `error`.

    Args:
        task: a `VisualQA`.
        num_sequences: int, number of answers in the signature `top_k`, at most as many
            as the model knows.

    Returns:
        dict from the name of a signature to its function and the specifications of
        its inputs, here `image_bytes` and `question`.

    Raises:
        ValueError: if `num_sequences` is not a positive integer.
    """
    num_sequences = whole_number("num_sequences", num_sequences, 1)
    num_sequences = min(num_sequences, len(task.preprocessor.answers))
    probabilities = task.answerer()

    def best(images, question, number):
        present = tf.ones(tf.shape(question), tf.bool)
        rows = probabilities(images, present, tf.expand_dims(question, 1))[:, 0]
        scores, places = tf.math.top_k(rows, number)
        return task.preprocessor.generate_postprocess(places), scores

    def answer(images, question):
        answers, scores = best(images, question, 1)
        return {"answer": answers[:, 0], "score": scores[:, 0]}

    def top_k(images, question):
        answers, scores = best(images, question, num_sequences)
        return {"answers": answers, "scores": scores}

    return {
        name: row_signature(task.preprocessor, body, ("question",))
        for name, body in {"serving_default": answer, "top_k": top_k}.items()
    }
