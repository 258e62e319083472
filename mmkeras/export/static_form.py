from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from mmkeras.preprocessing import ImageConverter


def _image_input(sample: dict) -> dict[str, np.ndarray]:
    return {"image": sample["image"][None]}


@dataclasses.dataclass
class StaticForm:
    """A task as functions of static shapes, from which a LiteRT file is made.

    Args:
        signatures: dict from the name of a signature to its function and its inputs, a
            dict of `tf.TensorSpec` by name, which is the one argument of the function.
        description: dict for JSON, what the host must know to run the file.
        texts: dict from file name to string, stored beside the description.
        inputs: function from a sample, a dict with `image`, uint8
            `[height, width, 3]` of the model's size, and perhaps `question`, to the
            inputs of the first signature, a dict of arrays; by default to the image
            alone, uint8 `[1, height, width, 3]`. Static quantization is calibrated
            with them.
        resources: list of objects that the functions use and the file must hold, e.g.
            lookup tables.
        verb_options: dict, the options of the task's verb that give the same
            predictions as the file.
        has_scores: bool, whether the results of the file's runner have scores to
            compare with the model's.
    """

    signatures: dict[str, tuple[Callable, dict[str, tf.TensorSpec]]]
    description: dict[str, Any]
    inputs: Callable[[dict], dict[str, np.ndarray]] = _image_input
    texts: dict[str, str] = dataclasses.field(default_factory=dict)
    resources: list = dataclasses.field(default_factory=list)
    verb_options: dict[str, Any] = dataclasses.field(default_factory=dict)
    has_scores: bool = True


def image_form(
    converter: ImageConverter,
) -> tuple[dict[str, tf.TensorSpec], dict[str, Any]]:
    """The image among the inputs of a signature, and how hosts prepare it.

    Args:
        converter: an `ImageConverter`.

    Returns:
        dict of `image`, uint8 `[1, height, width, 3]`; and a dict for JSON.
    """
    height, width = converter.image_size
    spec = tf.TensorSpec([1, height, width, 3], tf.uint8, name="image")
    description = {
        "height": height,
        "width": width,
        "crop": converter.crop_to_aspect_ratio,
        "resampling": "bilinear, antialiased",
        # The file itself scales pixels of 0 to 255 by these.
        "scale": converter.scale,
        "offset": converter.offset,
    }
    return {"image": spec}, description


def read_image(converter: ImageConverter, image: tf.Tensor) -> tf.Tensor:
    """Scales pixels, uint8 of the model's size, for the image encoder."""
    return converter.rescale(tf.cast(image, tf.float32))
