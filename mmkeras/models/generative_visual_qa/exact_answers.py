from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

if TYPE_CHECKING:
    from mmkeras.models import Predictions


def exact_answers(predictions: Predictions) -> dict[str, float]:
    """The share of the answers that are exact.

    Args:
        predictions: a `Predictions` of a `GenerativeVisualQA`; the samples have
            `answer`.

    Returns:
        dict of `accuracy`, the share of the questions whose predicted answer equals
        that of the data as the tokenizer writes it, case and spaces included; NaN if
        there are no questions. An answer with an unknown token counts as wrong.
    """
    tokenizer = predictions.task.preprocessor.answer_tokenizer
    pairs = [
        (str(found), wanted)
        for row in predictions.rows
        for found, wanted in zip(
            _listed(row.output), _listed(row.sample["answer"]), strict=True
        )
    ]
    if not pairs:
        return {"accuracy": float("nan")}
    ids = tokenizer.tokenize(tf.constant([wanted for _, wanted in pairs]))
    written = tokenizer.detokenize(ids.to_tensor(tokenizer.pad_token_id)).numpy()
    unknown = tf.reduce_any(tf.equal(ids, tokenizer.unk_token_id), axis=-1).numpy()
    right = sum(
        found == text.decode("utf-8") and not missing
        for (found, _), text, missing in zip(pairs, written, unknown, strict=True)
    )
    return {"accuracy": right / len(pairs)}


def _listed(value) -> list:
    return value if isinstance(value, list) else [value]
