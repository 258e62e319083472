from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import tensorflow as tf

if TYPE_CHECKING:
    from mmkeras.models import TaskPreprocessor


def row_signature(
    preprocessor: TaskPreprocessor,
    compute: Callable[..., dict[str, tf.Tensor]],
    texts: tuple[str, ...] = (),
) -> tuple[Callable, list[tf.TensorSpec]]:
    """A SavedModel signature in which each row fails alone.

    Args:
        preprocessor: the preprocessor of a task, with an `image_converter`.
        compute: function from images, float32 `[rows, size, size, 3]`, and strings
            `[rows]` for each of `texts` to a dict of outputs, each of shape
            `[rows, ...]`. There is at least one row.
        texts: tuple of strings, the names of the inputs beside the image:
            `("question",)`.

    Returns:
        The function of the signature and the specifications of its inputs,
        `image_bytes` and those of `texts`, string `[batch]`. The outputs of a row
        whose image is unreadable or whose text is blank are empty strings and zeros;
        the output `error`, string `[batch]`, gives the reason, and is empty for the
        other rows.

    Example:
        ```python
        def signatures(self):
            return {"serving_default": row_signature(self.preprocessor, self._serve)}
        ```
    """

    def serve(image_bytes, *given):
        images, error = preprocessor.image_converter.convert(image_bytes)
        for name, text in zip(texts, given, strict=True):
            blank = tf.equal(error, "") & tf.equal(tf.strings.strip(text), "")
            error = tf.where(blank, f"the {name} is empty", error)
        rows = tf.shape(images)[0]
        # Convolutions refuse an empty batch, so it gets one blank image.
        spare = tf.maximum(1 - rows, 0)
        images = tf.pad(images, [[0, spare], [0, 0], [0, 0], [0, 0]])
        given = [tf.pad(text, [[0, spare]]) for text in given]
        valid = tf.equal(error, "")
        outputs = {
            name: _blank_invalid(value[:rows], valid)
            for name, value in compute(images, *given).items()
        }
        return {**outputs, "error": error}

    names = ("image_bytes", *texts)
    return serve, [tf.TensorSpec([None], tf.string, name=name) for name in names]


def _blank_invalid(value, valid):
    blank = "" if value.dtype == tf.string else tf.zeros([], value.dtype)
    shape = tf.concat([tf.shape(valid), tf.ones([tf.rank(value) - 1], tf.int32)], 0)
    return tf.where(tf.reshape(valid, shape), value, blank)
