from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from mmkeras.export.static_form import StaticForm, image_form, read_image
from mmkeras.models.static_text import (
    as_lines,
    detokenizer_outputs,
    refuse_sampling,
    special_tokens,
)
from mmkeras.runtime.litert_file import VOCABULARY

if TYPE_CHECKING:
    from mmkeras.models import ImageCaptioner


def caption_static_form(
    task: ImageCaptioner, stepwise: bool = False, **options: Any
) -> StaticForm:
    """The LiteRT form of a captioner.

    With the loop inside there is one signature, `caption`: `image`, uint8
    `[1, height, width, 3]`, to `token_ids` int32 and `joins` int32
    `[captions, max_length]` (1 for a token that no space precedes), and `scores`
    float32 `[captions]`.

    Stepwise there are three. `encode`: `image` to a state, float arrays by name.
    `decode_step`: `token_id` int32 `[1, 1]`, `position` int32 scalar and the state, to
    `logits` float32 `[1, vocabulary_size]` and the changed parts of the state, under
    the same names. `spell`: `token_ids` int32 `[1, max_length]`, to `token_ids` and
    `joins`.

    Args:
        task: an `ImageCaptioner`.
        stepwise: bool, whether the host runs the loop over tokens, e.g. to show words
            as they come.
        **options: options of `mmkeras.decoding.DecodingOptions`; with `stepwise=True`
            `max_length` only.

    Returns:
        A `StaticForm`.

    Raises:
        TypeError: if an option is unknown.
        ValueError: if an option is out of range, or LiteRT does not support it.
    """
    # Refuses wrong options.
    task.generator(traced=False, **options)
    refuse_sampling(options)
    image, description = image_form(task.preprocessor.image_converter)
    limit = options.get("max_length") or task.backbone.sequence_length
    if stepwise:
        others = sorted(set(options) - {"max_length"})
        if others:
            raise ValueError(
                "With stepwise=True the host chooses the tokens. Remove "
                f"{', '.join(others)}, or export with stepwise=False."
            )
        signatures = _stepwise(task, image, limit)
    else:
        signatures = {"caption": (_loop(task, options), image)}
    tokenizer = task.preprocessor.tokenizer
    return StaticForm(
        signatures=signatures,
        description={
            "image": description,
            "tokens": special_tokens(tokenizer),
            "decoding": {**options, "max_length": limit},
        },
        texts={VOCABULARY: as_lines(tokenizer.get_vocabulary())},
        verb_options=options,
        has_scores=not stepwise,
    )


def _loop(task, options):
    decode = task.generator(traced=False, **options)
    preprocessor = task.preprocessor
    number = options.get("num_sequences", 1)

    def caption(inputs):
        result = decode(read_image(preprocessor.image_converter, inputs["image"]))
        ids = result.token_ids[0, :number]
        return {
            **detokenizer_outputs(preprocessor.tokenizer, ids),
            "scores": result.scores[0, :number],
        }

    return caption


def _stepwise(task, image, max_length):
    decoder = task.backbone.text_decoder
    converter = task.preprocessor.image_converter
    tokenizer = task.preprocessor.tokenizer

    def start(inputs):
        regions = task.backbone.regions(read_image(converter, inputs["image"]))
        return decoder.start(regions, 1, max_length)

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
            lambda inputs: detokenizer_outputs(tokenizer, inputs["token_ids"]),
            {"token_ids": tf.TensorSpec([1, max_length], tf.int32, name="token_ids")},
        ),
    }


def _named(kind, parts) -> dict:
    """The tensors of a structure, each by a name."""
    return {f"{kind}_{i}": part for i, part in enumerate(tf.nest.flatten(parts))}


def _restored(kind, like, inputs):
    number = len(tf.nest.flatten(like))
    return tf.nest.pack_sequence_as(
        like, [inputs[f"{kind}_{i}"] for i in range(number)]
    )
