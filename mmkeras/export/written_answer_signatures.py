from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf


def written_answer_signatures(
    task, **options
) -> dict[str, tuple[Callable, list[tf.TensorSpec]]]:
    """What a VQA model that writes its answers says when it is served.

    `serving_default`: `answer` string `[batch]`, `score` float32 `[batch]`, `error`
    string `[batch]`. A row whose picture cannot be read, or whose question is blank,
    has an empty answer, a score of 0 and an `error`.

    Args:
        task: a `GenerativeVisualQA`.
        **options: of `mmkeras.decoding.DecodingOptions` but for `num_captions`.

    Returns:
        dict of a function and the specifications of its inputs, here `image_bytes`
        and `question`, by the name of the signature.

    Raises:
        ValueError: if an option is out of range.
    """
    if "num_captions" in options:
        raise ValueError(
            "An export has one answer a question. Leave out `num_captions`. Received: "
            f"num_captions={options['num_captions']!r}."
        )
    generate = task.generator(**options)
    preprocessor = task.preprocessor

    def answer(image_bytes, question):
        images, error = preprocessor.image_converter.convert(image_bytes)
        blank = tf.equal(tf.strings.strip(question), "")
        error = tf.where(tf.equal(error, "") & blank, "the question is empty", error)
        rows = tf.shape(images)[0]
        # Convolutions refuse an empty batch, so it is given one blank picture.
        spare = tf.maximum(1 - rows, 0)
        result = generate(
            tf.pad(images, [[0, spare], [0, 0], [0, 0], [0, 0]]),
            tf.ones([rows + spare], tf.bool),
            tf.pad(tf.expand_dims(question, 1), [[0, spare], [0, 0]]),
        )
        fine = tf.equal(error, "")
        texts = preprocessor.generate_postprocess(result.token_ids[:rows, 0])
        return {
            "answer": tf.where(fine, texts, ""),
            "score": tf.where(fine, result.scores[:rows, 0], 0.0),
            "error": error,
        }

    inputs = [
        tf.TensorSpec([None], tf.string, name="image_bytes"),
        tf.TensorSpec([None], tf.string, name="question"),
    ]
    return {"serving_default": (answer, inputs)}
