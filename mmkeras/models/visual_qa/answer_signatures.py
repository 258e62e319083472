from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from mmkeras.models.questions.question_requests import (
    QUESTION_INPUTS,
    read_question_requests,
)


def answer_signatures(
    task, top_k: int = 3
) -> dict[str, tuple[Callable, list[tf.TensorSpec]]]:
    """What a VQA model answers when it is served.

    - `serving_default`: `answer` string `[batch]`, `score` float32 `[batch]`, its
      probability, `error` string `[batch]`.
    - `top_k`: `answers` string `[batch, top_k]`, best first, `scores` float32
      `[batch, top_k]`, `error`.

    A row whose picture cannot be read, or whose question is blank, has empty answers,
    scores of 0 and an `error`.

    Args:
        task: a `VisualQA`.
        top_k: int, answers of the signature `top_k`; of a model that knows fewer, as
            many as it knows.

    Returns:
        dict of a function and the specifications of its inputs, here `image_bytes`
        and `question`, by the name of the signature.

    Raises:
        ValueError: if `top_k` is not a positive integer.
    """
    if not isinstance(top_k, int) or top_k < 1:
        raise ValueError(
            f"`top_k` must be an integer of at least 1. Received: top_k={top_k!r}."
        )
    top_k = min(top_k, len(task.preprocessor.answers))
    serve = _Server(task)
    return {
        "serving_default": (serve.answer, QUESTION_INPUTS),
        "top_k": (
            lambda image_bytes, question: serve.answers(image_bytes, question, top_k),
            QUESTION_INPUTS,
        ),
    }


class _Server:
    """The bodies of the signatures."""

    def __init__(self, task):
        self._preprocessor = task.preprocessor
        self._answer = task.answerer()

    def answer(self, image_bytes, question):
        outputs = self.answers(image_bytes, question, 1)
        return {
            "answer": outputs["answers"][:, 0],
            "score": outputs["scores"][:, 0],
            "error": outputs["error"],
        }

    def answers(self, image_bytes, question, number):
        given, error = read_question_requests(self._preprocessor, image_bytes, question)
        scores = self._answer(*given)[: tf.size(error), 0]
        scores, places = tf.math.top_k(scores, number)
        fine = tf.expand_dims(tf.equal(error, ""), 1)
        answers = self._preprocessor.generate_postprocess(places)
        return {
            "answers": tf.where(fine, answers, ""),
            "scores": tf.where(fine, scores, 0.0),
            "error": error,
        }
