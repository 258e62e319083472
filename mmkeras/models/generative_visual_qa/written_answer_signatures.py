from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from mmkeras.models.questions.question_requests import (
    QUESTION_INPUTS,
    read_question_requests,
)


def written_answer_signatures(
    task, **options
) -> dict[str, tuple[Callable, list[tf.TensorSpec]]]:
    """What a VQA model that writes its answers says when it is served.

    `serving_default`: `answer` string `[batch]`, `score` float32 `[batch]`, `error`
    string `[batch]`. A row whose picture cannot be read, or whose question is blank,
    has an empty answer, a score of 0 and an `error`.

    Args:
        task: a `GenerativeVisualQA`.
        **options: of `mmkeras.decoding.DecodingOptions` but for `num_sequences`.

    Returns:
        dict of a function and the specifications of its inputs, here `image_bytes`
        and `question`, by the name of the signature.

    Raises:
        ValueError: if an option is out of range.
    """
    if "num_sequences" in options:
        raise ValueError(
            "An export has one answer a question. Leave out `num_sequences`. Received: "
            f"num_sequences={options['num_sequences']!r}."
        )
    generate = task.generator(**options)
    preprocessor = task.preprocessor

    def answer(image_bytes, question):
        given, error = read_question_requests(preprocessor, image_bytes, question)
        rows = tf.size(error)
        result = generate(*given)
        fine = tf.equal(error, "")
        texts = preprocessor.generate_postprocess(result.token_ids[:rows, 0])
        return {
            "answer": tf.where(fine, texts, ""),
            "score": tf.where(fine, result.scores[:rows, 0], 0.0),
            "error": error,
        }

    return {"serving_default": (answer, QUESTION_INPUTS)}
