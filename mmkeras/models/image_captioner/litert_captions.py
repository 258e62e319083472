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
from mmkeras.runtime.litert_file import VOCABULARY


def litert_captions(task, stepwise: bool = False, **options) -> LiteRTForm:
    """A captioner as LiteRT files have it.

    With the loop inside there is one signature, `caption`: `image`, uint8
    `[1, height, width, 3]`, to `token_ids` int32 and `joins` int32
    `[captions, max_length]`, what is written and whether no space stands before a
    piece, and `scores` float32 `[captions]`.

    Stepwise there are three. `encode`: `image` to a state, float arrays by name.
    `decode_step`: `token_id` int32 `[1, 1]`, `position` int32 scalar and the state, to
    `logits` float32 `[1, vocabulary_size]` and what is new of the state, under the same
    names. `spell`: `token_ids` int32 `[1, max_length]`, to `token_ids` and `joins`.

    Args:
        task: an `ImageCaptioner`.
        stepwise: bool, whether the host runs the loop, e.g. to show words as they
            come.
        **options: of `mmkeras.decoding.DecodingOptions`; stepwise `max_length` alone.

    Returns:
        A `LiteRTForm`.

    Raises:
        ValueError: if an option is out of range, or asks for what LiteRT files cannot.
    """
    require_no_draws(options)
    image, description = image_form(task.preprocessor.image_converter)
    # What is wrong with the options is found here.
    task.generator(traced=False, **options)
    limit = options.get("max_length") or task.backbone.max_length
    if stepwise:
        others = sorted(set(options) - {"max_length"})
        if others:
            raise ValueError(
                "In a stepwise file the host chooses the words. Leave out "
                f"{', '.join(others)}, or export with stepwise=False."
            )
        signatures = _stepwise(task, image, limit)
    else:
        signatures = {"caption": (_loop(task, options), image)}
    tokenizer = task.preprocessor.tokenizer
    return LiteRTForm(
        signatures=signatures,
        description={
            "image": description,
            "tokens": special_tokens(tokenizer),
            "decoding": {**options, "max_length": limit},
        },
        texts={VOCABULARY: as_lines(tokenizer.get_vocabulary())},
        inputs=lambda picture, question: {"image": picture[None]},
    )


def _loop(task, options):
    decode = task.generator(traced=False, **options)
    converter, tokenizer = (
        task.preprocessor.image_converter,
        task.preprocessor.tokenizer,
    )
    number = options.get("num_sequences", 1)

    def caption(inputs):
        result = decode(read_image(converter, inputs["image"]))
        return {
            **spelled(tokenizer, result.token_ids[0, :number]),
            "scores": result.scores[0, :number],
        }

    return caption


def _stepwise(task, image, max_length):
    decoder = task.backbone.text_decoder
    converter, tokenizer = (
        task.preprocessor.image_converter,
        task.preprocessor.tokenizer,
    )

    def start(inputs):
        memory = task.backbone.memory(read_image(converter, inputs["image"]))
        return decoder.start(memory, 1, max_length)

    def encode(inputs):
        cache, fixed = start(inputs)
        return {**_named("cache", cache), **_named("memory", fixed)}

    like = tf.function(start).get_concrete_function(image).structured_outputs
    state = {
        name: tf.TensorSpec(part.shape, part.dtype, name=name)
        for kind, parts in zip(("cache", "memory"), like, strict=True)
        for name, part in _named(kind, parts).items()
    }

    def decode_step(inputs):
        cache, fixed = (
            _restored(kind, parts, inputs)
            for kind, parts in zip(("cache", "memory"), like, strict=True)
        )
        position = inputs["position"]
        seen = tf.reshape(tf.range(max_length) <= position, [1, 1, max_length])
        logits, cache = decoder.step(inputs["token_id"], position, cache, fixed, seen)
        return {"logits": logits[:, 0], **_named("cache", cache)}

    return {
        "encode": (encode, image),
        "decode_step": (
            decode_step,
            {
                "token_id": tf.TensorSpec([1, 1], tf.int32, name="token_id"),
                "position": tf.TensorSpec([], tf.int32, name="position"),
                **state,
            },
        ),
        "spell": (
            lambda inputs: spelled(tokenizer, inputs["token_ids"]),
            {"token_ids": tf.TensorSpec([1, max_length], tf.int32, name="token_ids")},
        ),
    }


def _named(kind, parts) -> dict:
    """The tensors of a nest by a name each, in its order."""
    return {f"{kind}_{i}": part for i, part in enumerate(tf.nest.flatten(parts))}


def _restored(kind, like, inputs):
    number = len(tf.nest.flatten(like))
    return tf.nest.pack_sequence_as(
        like, [inputs[f"{kind}_{i}"] for i in range(number)]
    )
