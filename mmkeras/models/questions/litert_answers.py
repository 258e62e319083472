from __future__ import annotations

import tensorflow as tf

from mmkeras.export.litert_form import (
    LiteRTForm,
    as_lines,
    image_form,
    read_image,
    require_no_draws,
    special_tokens,
    spelled,
)
from mmkeras.models import GenerativeVisualQA
from mmkeras.preprocessing import (
    BertTokenizer,
    WordPieceTokenizer,
    WordTokenizer,
)
from mmkeras.runtime.litert_file import ANSWERS, VOCABULARY
from mmkeras.runtime.litert_visual_qa import ANSWER_VOCABULARY

_KINDS = {
    WordPieceTokenizer: "word_piece",
    BertTokenizer: "bert",
    WordTokenizer: "words",
}


def litert_answers(task, **options) -> LiteRTForm:
    """A model that answers questions as LiteRT files have it.

    `lookup`: `words` string `[words]`, words or pieces of them, to `token_ids` int32
    `[words]`. `answer`: `image` uint8 `[1, height, width, 3]` and `token_ids` int32
    `[1, sequence_length]`, with the tokens of beginning and end and padded, to
    `answer_ids` int32, `answers` string and `scores` float32, `[1, top_k]`. Of a
    `GenerativeVisualQA` `answer` gives `token_ids` and `joins`, int32
    `[answers, max_length]`, and `scores`, as captions have them.

    Args:
        task: a `VisualQA` or a `GenerativeVisualQA`.
        **options: of a `VisualQA` `top_k`, int, answers that it gives at most, 3 by
            default; of one that knows fewer, as many as it knows. Of a
            `GenerativeVisualQA` those of `mmkeras.decoding.DecodingOptions`.

    Returns:
        A `LiteRTForm`.

    Raises:
        ValueError: if an option is out of range, or asks for what LiteRT files cannot.
    """
    preprocessor = task.preprocessor
    image, description = image_form(preprocessor.image_converter)
    length = preprocessor.sequence_length
    inputs = {
        **image,
        "token_ids": tf.TensorSpec([1, length], tf.int32, name="token_ids"),
    }
    tokenizer = preprocessor.tokenizer
    pieces = list(tokenizer.get_vocabulary())
    writes = isinstance(task, GenerativeVisualQA)
    answer, more, texts = (_written if writes else _chosen)(task, **options)
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            tf.constant(pieces), tf.range(len(pieces), dtype=tf.int64)
        ),
        default_value=_unknown(tokenizer) or tokenizer.pad_token_id,
    )
    words = {"words": tf.TensorSpec([None], tf.string, name="words")}
    return LiteRTForm(
        signatures={
            "answer": (answer, inputs),
            "lookup": (
                lambda given: {
                    "token_ids": tf.cast(table.lookup(given["words"]), tf.int32)
                },
                words,
            ),
        },
        description={
            "image": description,
            "question": _question(tokenizer, length),
            **more,
        },
        texts={VOCABULARY: as_lines(pieces), **texts},
        inputs=lambda picture, question: {
            "image": picture[None],
            "token_ids": preprocessor.tokenize(tf.constant([question])).numpy(),
        },
        resources=[table],
    )


def _question(tokenizer, length) -> dict:
    """How hosts cut a question."""
    if type(tokenizer) not in _KINDS:
        raise ValueError(
            f"Questions that {type(tokenizer).__name__} cuts cannot be cut without "
            "TensorFlow, so that no host could ask the file. Train with another text "
            "encoder, e.g. text_encoder='gru' or 'minilm', or export a SavedModel."
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
    """The id of what cannot be spelled; `None` where that is left out."""
    if tokenizer.oov_token not in tokenizer.get_vocabulary():
        return None
    return tokenizer.token_to_id(tokenizer.oov_token)


def _chosen(task, top_k=3, **options):
    if options:
        raise ValueError(
            "Answers are chosen, not written, so that decoding has no options. Leave "
            f"out: {', '.join(sorted(options))}."
        )
    known = task.preprocessor.answers
    if not isinstance(top_k, int) or top_k < 1:
        raise ValueError(
            f"`top_k` must be an integer of at least 1. Received: top_k={top_k!r}."
        )
    top_k = min(top_k, len(known))
    backbone, converter = task.backbone, task.preprocessor.image_converter

    def answer(inputs):
        scores = backbone.reader(
            backbone.regions(read_image(converter, inputs["image"])),
            tf.expand_dims(inputs["token_ids"], 1),
            tf.ones([1], tf.bool),
            training=False,
        )
        scores = scores["answer"] if isinstance(scores, dict) else scores
        scores, places = tf.math.top_k(tf.nn.softmax(scores[:, 0]), top_k)
        return {
            "answer_ids": places,
            "answers": tf.gather(tf.constant(known), places),
            "scores": scores,
        }

    return answer, {"top_k": top_k}, {ANSWERS: as_lines(known)}


def _written(task, **options):
    require_no_draws(options)
    decode = task.generator(traced=False, **options)
    converter = task.preprocessor.image_converter
    tokenizer = task.preprocessor.answer_tokenizer
    number = options.get("num_sequences", 1)

    def answer(inputs):
        result = decode(
            read_image(converter, inputs["image"]),
            tf.ones([1], tf.bool),
            tf.expand_dims(inputs["token_ids"], 1),
        )
        return {
            **spelled(tokenizer, result.token_ids[0, :number]),
            "scores": result.scores[0, :number],
        }

    limit = options.get("max_length") or task.backbone.max_length
    description = {
        "tokens": special_tokens(tokenizer),
        "decoding": {**options, "max_length": limit},
    }
    texts = {ANSWER_VOCABULARY: as_lines(tokenizer.get_vocabulary())}
    return answer, description, texts
