from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from mmkeras.export.static_form import StaticForm
from mmkeras.models.questions.question_static_form import question_static_form
from mmkeras.models.static_text import (
    as_lines,
    detokenizer_outputs,
    refuse_sampling,
    special_tokens,
)
from mmkeras.runtime.litert_visual_qa import ANSWER_VOCABULARY

if TYPE_CHECKING:
    from mmkeras.models import GenerativeVisualQA


def generative_answer_static_form(
    task: GenerativeVisualQA, **options: Any
) -> StaticForm:
    """The LiteRT form of a `GenerativeVisualQA`.

    The signature `answer` (`question_static_form`) gives `token_ids` and `joins`,
    int32 `[num_sequences, max_length]`, and `scores`, float32 `[num_sequences]`, as
    the form of a captioner does.

    Args:
        task: a `GenerativeVisualQA`.
        **options: options of `mmkeras.decoding.DecodingOptions`.

    Returns:
        A `StaticForm`.

    Raises:
        TypeError: if an option is unknown.
        ValueError: if an option is out of range, LiteRT does not support it, or hosts
            cannot tokenize the questions.
    """
    decode = task.generator(traced=False, **options)
    refuse_sampling(options)
    tokenizer = task.preprocessor.answer_tokenizer
    number = options.get("num_sequences", 1)

    def answer(images, token_ids):
        result = decode(images, tf.ones([1], tf.bool), token_ids)
        ids = result.token_ids[0, :number]
        return {
            **detokenizer_outputs(tokenizer, ids),
            "scores": result.scores[0, :number],
        }

    limit = options.get("max_length") or task.backbone.answer_length
    description = {
        "tokens": special_tokens(tokenizer),
        "decoding": {**options, "max_length": limit},
    }
    texts = {ANSWER_VOCABULARY: as_lines(tokenizer.get_vocabulary())}
    form = question_static_form(task, answer, description, texts)
    return dataclasses.replace(form, verb_options=options)
