from __future__ import annotations

from typing import TYPE_CHECKING

import tensorflow as tf

from mmkeras.arguments import whole_number
from mmkeras.export.static_form import StaticForm
from mmkeras.models.questions.question_static_form import question_static_form
from mmkeras.models.static_text import as_lines
from mmkeras.runtime.litert_file import ANSWERS

if TYPE_CHECKING:
    from mmkeras.models import VisualQA


def answer_static_form(task: VisualQA, num_sequences: int = 3) -> StaticForm:
    """The LiteRT form of a `VisualQA`.

    The signature `answer` (`question_static_form`) gives `answer_ids` int32, `answers`
    string and `scores` float32, all of shape `[1, num_sequences]`, best first.

    Args:
        task: a `VisualQA`.
        num_sequences: int, number of answers, at most as many as the model knows.

    Returns:
        A `StaticForm`.

    Raises:
        ValueError: if `num_sequences` is not a positive integer, or hosts cannot
            tokenize the questions.
    """
    known = task.preprocessor.answers
    number = min(whole_number("num_sequences", num_sequences, 1), len(known))
    backbone = task.backbone

    def answer(images, token_ids):
        logits = backbone.question_reader(
            backbone.regions(images), token_ids, tf.ones([1], tf.bool), training=False
        )
        logits = logits["answer"] if isinstance(logits, dict) else logits
        scores, places = tf.math.top_k(tf.nn.softmax(logits[:, 0]), number)
        return {
            "answer_ids": places,
            "answers": tf.gather(tf.constant(known), places),
            "scores": scores,
        }

    return question_static_form(
        task, answer, {"num_sequences": number}, {ANSWERS: as_lines(known)}
    )
