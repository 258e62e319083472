from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from mmkeras.export.static_form import StaticForm, image_form, read_image
from mmkeras.models.static_text import as_lines
from mmkeras.preprocessing import BertTokenizer, WordPieceTokenizer, WordTokenizer
from mmkeras.runtime.litert_file import VOCABULARY

if TYPE_CHECKING:
    from mmkeras.models.questions.question_task import QuestionTask

_KINDS = {
    WordPieceTokenizer: "word_piece",
    BertTokenizer: "bert",
    WordTokenizer: "words",
}


def question_static_form(
    task: QuestionTask,
    answer: Callable[[tf.Tensor, tf.Tensor], dict[str, tf.Tensor]],
    description: dict[str, Any],
    texts: dict[str, str],
) -> StaticForm:
    """The LiteRT form of a task that answers questions.

    It has two signatures, as splitting and joining strings has no built-in operation.
    `lookup`: `words` string `[words]`, words or pieces of words, to `token_ids` int32
    `[words]`. `answer`: `image` uint8 `[1, height, width, 3]` and `token_ids` int32
    `[1, sequence_length]`, with start and end token and padding, to the outputs of the
    task.

    Args:
        task: a task of visual question answering.
        answer: function from images, float32 `[1, size, size, 3]`, and token ids,
            int32 `[1, 1, sequence_length]`, to a dict of outputs.
        description: dict for JSON, what hosts must know besides.
        texts: dict from file name to string, stored in the file.

    Returns:
        A `StaticForm`.

    Raises:
        ValueError: if hosts without TensorFlow cannot tokenize questions.
    """
    preprocessor = task.preprocessor
    converter, tokenizer = preprocessor.image_converter, preprocessor.tokenizer
    image, image_description = image_form(converter)
    length = preprocessor.sequence_length
    question = _question(tokenizer, length)
    tokens = list(tokenizer.get_vocabulary())
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            tf.constant(tokens), tf.range(len(tokens), dtype=tf.int64)
        ),
        default_value=_unknown(tokenizer) or tokenizer.pad_token_id,
    )

    def answer_inputs(inputs):
        pixels = read_image(converter, inputs["image"])
        return answer(pixels, tf.expand_dims(inputs["token_ids"], 1))

    def lookup(inputs):
        return {"token_ids": tf.cast(table.lookup(inputs["words"]), tf.int32)}

    token_ids = tf.TensorSpec([1, length], tf.int32, name="token_ids")
    words = tf.TensorSpec([None], tf.string, name="words")
    return StaticForm(
        signatures={
            "answer": (answer_inputs, {**image, "token_ids": token_ids}),
            "lookup": (lookup, {"words": words}),
        },
        description={"image": image_description, "question": question, **description},
        texts={VOCABULARY: as_lines(tokens), **texts},
        inputs=lambda sample: {
            "image": sample["image"][None],
            "token_ids": preprocessor.tokenize(
                tf.constant([sample["question"]])
            ).numpy(),
        },
        resources=[table],
    )


def _question(tokenizer, length) -> dict[str, Any]:
    """How hosts tokenize a question."""
    if type(tokenizer) not in _KINDS:
        raise ValueError(
            f"Hosts without TensorFlow cannot tokenize questions as "
            f"{type(tokenizer).__name__} does. Train with another text encoder, e.g. "
            "text_encoder='gru' or 'minilm', or export a SavedModel."
        )
    found = {
        "kind": _KINDS[type(tokenizer)],
        "lowercase": tokenizer.lowercase,
        "sequence_length": length,
        "pad": tokenizer.pad_token_id,
        "unk": _unknown(tokenizer),
        "start": getattr(tokenizer, "start_token_id", None),
        "end": getattr(tokenizer, "end_token_id", None),
    }
    if isinstance(tokenizer, WordTokenizer):
        found["punctuation"] = tokenizer.punctuation
        found["separator"] = tokenizer.separator
    return found


def _unknown(tokenizer) -> int | None:
    """The id of unknown words; `None` if they are left out."""
    if tokenizer.oov_token not in tokenizer.get_vocabulary():
        return None
    return tokenizer.token_to_id(tokenizer.oov_token)
