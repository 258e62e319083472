from __future__ import annotations

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from mmkeras.decoding import DecodingOptions


@dataclasses.dataclass
class LiteRTForm:
    """A task as LiteRT files have it: functions of static shapes, and what goes along.

    Args:
        signatures: dict of a function and its one argument, a dict of `tf.TensorSpec`
            by the names of the inputs, by the name of the signature.
        description: dict of what a host must know, for JSON.
        texts: dict of string by file name, put beside the description.
        resources: objects that the functions use and the file must hold, e.g. lookup
            tables.
        inputs: function from a picture, uint8 `[height, width, 3]` of the model's
            size, and a question or `None`, to the inputs of the first signature, by
            which static quantisation is calibrated.
    """

    signatures: dict[str, tuple[Callable, dict[str, tf.TensorSpec]]]
    description: dict
    texts: dict[str, str]
    inputs: Callable
    resources: list = dataclasses.field(default_factory=list)


def image_form(converter) -> tuple[dict[str, tf.TensorSpec], dict]:
    """The picture among the inputs of a signature, and how hosts prepare it.

    Args:
        converter: an `ImageConverter`.

    Returns:
        dict of `image`, uint8 `[1, height, width, 3]`; and dict for JSON.
    """
    height, width = converter.image_size
    spec = tf.TensorSpec([1, height, width, 3], tf.uint8, name="image")
    description = {
        "height": height,
        "width": width,
        "crop": converter.crop_to_aspect_ratio,
        "resampling": "bilinear, antialiased",
        # What the file does itself, to pixels of 0 to 255.
        "scale": converter.scale,
        "offset": converter.offset,
    }
    return {"image": spec}, description


def read_image(converter, image: tf.Tensor) -> tf.Tensor:
    """Pixels, uint8 of the model's size, as the image encoder takes them."""
    return converter.rescale(tf.cast(image, tf.float32))


def spelled(tokenizer, token_ids: tf.Tensor) -> dict[str, tf.Tensor]:
    """What hosts need to write ids as text, int32 both."""
    token_ids, joins = tokenizer.spell(token_ids)
    return {"token_ids": token_ids, "joins": tf.cast(joins, tf.int32)}


def special_tokens(tokenizer) -> dict[str, int]:
    """The ids that stand for no text."""
    return {
        "pad": tokenizer.pad_token_id,
        "unk": tokenizer.unk_token_id,
        "start": tokenizer.start_token_id,
        "end": tokenizer.end_token_id,
    }


def as_lines(pieces) -> str:
    """Pieces as a text file, one a line."""
    return "".join(f"{piece}\n" for piece in pieces)


def require_no_draws(options) -> None:
    """Refuses what would need random numbers in the file."""
    if DecodingOptions(**options).samples:
        raise ValueError(
            "LiteRT has no random draws among its built-in operations. Leave out "
            "temperature, top_k and top_p, or export with stepwise=True and draw from "
            "the logits of each step."
        )
