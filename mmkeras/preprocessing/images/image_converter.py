from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import keras_hub
import tensorflow as tf

from mmkeras.arguments import whole_number
from mmkeras.preprocessing.images.decode_image import (
    IMAGE_MAX_PIXELS,
    decode_format,
    image_error,
)
from mmkeras.preprocessing.images.exif_orientation import exif_orientation
from mmkeras.preprocessing.images.image_format import DECODED_FORMATS, image_format
from mmkeras.preprocessing.images.map_rows import map_rows
from mmkeras.preprocessing.images.undecodable_reason import undecodable_reason
from mmkeras.preprocessing.require import require

_ERRORS_SHOWN = 5
# The remedy in the message of `require_images`; `fit` adds an option of its own to it.
REMEDY = "Replace or remove them"


@keras.saving.register_keras_serializable(package="mmkeras")
class ImageConverter(keras_hub.layers.ImageConverter):
    """Decodes, resizes and rescales images, in graph.

    Images are resized to the target size with antialiased bilinear interpolation,
    without preserving their aspect ratio unless `crop_to_aspect_ratio=True`, then
    rescaled to `pixel * scale + offset`. The output is float32 under every dtype
    policy.

    Calling the layer raises an error if an image cannot be decoded; `convert` never
    raises and returns an error per row.

    Args:
        image_size: int, or tuple `(height, width)`, size of the output in pixels. The
            attribute is always the tuple, as in KerasHub.
        scale: float, or a float per channel, multiplied with pixels of 0 to 255.
        offset: float, or a float per channel, added after scaling.
        max_pixels: int, the largest number of pixels of an encoded image. Larger ones
            are refused by their header, before they are decoded.
        crop_to_aspect_ratio: bool, whether to crop the largest central window with the
            aspect ratio of the target before resizing.
        **kwargs: `name` and other arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: string `[batch]` (encoded images), uint8
            `[batch, height, width, channels]` with 1 or 3 channels, a
            `tf.RaggedTensor` of such images of several sizes, or a single unbatched
            image of either kind.

    Output shape:
        float32 `[batch, image_height, image_width, 3]`, without `batch` for an
        unbatched input.

    Raises:
        tf.errors.InvalidArgumentError: if an encoded image cannot be decoded. The
            message names the row and the reason.
        ValueError: if the input is neither of strings nor uint8, or an argument has
            the wrong type or is out of range.

    Example:
        ```python
        converter = ImageConverter(224)
        converter([tf.io.read_file("cat.jpg")])  # float32 [1, 224, 224, 3]
        images, error = converter.convert(tf.constant([b"not an image"]))
        error  # [b"unknown image format: convert the image to JPEG or PNG"]
        ```
    """

    def __init__(
        self,
        image_size: int | Sequence[int],
        scale: float | Sequence[float] = 1 / 255.0,
        offset: float | Sequence[float] = 0.0,
        max_pixels: int = IMAGE_MAX_PIXELS,
        crop_to_aspect_ratio: bool = False,
        **kwargs: Any,
    ):
        super().__init__(
            image_size=_to_size(image_size),
            scale=_to_config(scale),
            offset=_to_config(offset),
            crop_to_aspect_ratio=crop_to_aspect_ratio,
            interpolation="bilinear",
            antialias=True,
            data_format="channels_last",
            **kwargs,
        )
        self.max_pixels = whole_number("max_pixels", max_pixels, minimum=1)
        # Traced once, not for each batch outside of a graph.
        self._convert = tf.function(
            self._convert_batch,
            input_signature=[tf.TensorSpec([None], tf.string)],
            autograph=False,
        )

    def call(self, inputs: Any) -> tf.Tensor:
        inputs = _to_tensor(inputs)
        with tf.device("cpu"):
            if inputs.dtype == tf.string:
                return self._call_on_strings(inputs)
            if inputs.dtype == tf.uint8:
                return self._call_on_pixels(inputs)
        raise ValueError(
            "`inputs` must be encoded images (`tf.string`) or uint8 pixels of 0 to "
            "255. Convert other pixels with "
            "`tf.image.convert_image_dtype(pixels, tf.uint8)`. "
            f"Received: dtype={inputs.dtype.name}."
        )

    def convert(self, image_bytes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Converts a batch of encoded images; each row fails independently.

        Args:
            image_bytes: string `[batch]`; the batch may be empty.

        Returns:
            Tuple `(images, error)`: float32 `[batch, image_height, image_width, 3]`,
            zeros for invalid rows, and string `[batch]`, empty for valid rows.
        """
        image_bytes = tf.ensure_shape(
            tf.convert_to_tensor(image_bytes, tf.string), [None]
        )
        return self._convert(image_bytes)

    def compute_output_spec(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        height, width = self.image_size
        return keras.KerasTensor((inputs.shape[0], height, width, 3), "float32")

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for fixed in (
            "interpolation",
            "antialias",
            "pad_to_aspect_ratio",
            "bounding_box_format",
        ):
            config.pop(fixed)
        config["max_pixels"] = self.max_pixels
        return config

    def _call_on_strings(self, image_bytes: tf.Tensor) -> tf.Tensor:
        if image_bytes.shape.rank == 0:
            return self._call_on_strings(tf.expand_dims(image_bytes, 0))[0]
        images, error = self.convert(image_bytes)
        rows = tf.strings.as_string(tf.range(tf.size(error)))
        with require_images(error, rows, "row"):
            return tf.identity(images)

    def _call_on_pixels(self, pixels: tf.Tensor | tf.RaggedTensor) -> tf.Tensor:
        if isinstance(pixels, tf.RaggedTensor):
            height, width = self.image_size
            return tf.map_fn(
                lambda row: self._call_on_pixels(row.to_tensor()),
                pixels,
                fn_output_signature=tf.TensorSpec([height, width, 3], tf.float32),
            )
        if pixels.shape.rank == 3:
            return self._call_on_pixels(tf.expand_dims(pixels, 0))[0]
        if pixels.shape.rank != 4 or pixels.shape[-1] not in (1, 3):
            raise ValueError(
                "Pixels must have the shape [batch, height, width, channels] with 1 "
                "or 3 channels; encode images with an alpha channel as PNG. "
                f"Received: shape={pixels.shape}."
            )
        if pixels.shape[-1] == 1:
            pixels = tf.image.grayscale_to_rgb(pixels)
        return self.rescale(self._resize(pixels))

    def _convert_batch(self, image_bytes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        height, width = self.image_size
        count = tf.size(image_bytes, out_type=tf.int64)
        code = image_format(image_bytes)
        # A dataset for each format; only those of the formats in the batch run. The
        # entire graph of a dataset within a graph is instantiated at each call.
        orientation = exif_orientation(image_bytes)
        parts = [
            self._convert_format(
                image_bytes, orientation, tf.where(code == place)[:, 0], format
            )
            for place, format in enumerate(DECODED_FORMATS)
        ]
        row = tf.concat([tf.expand_dims(row, 1) for row, _ in parts], axis=0)
        image = tf.concat([image for _, image in parts], axis=0)
        images = tf.scatter_nd(row, image, [count + 1, height, width, 3])[:-1]
        valid = tf.scatter_nd(row, tf.ones_like(row[:, 0]), [count + 1])[:-1] > 0
        images = tf.ensure_shape(images, [None, height, width, 3])
        return images, self._explain(image_bytes, valid)

    def _convert_format(
        self,
        image_bytes: tf.Tensor,
        orientation: tf.Tensor,
        rows: tf.Tensor,
        format: str,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Indices and pixels of the images that decode, and one extra row."""
        height, width = self.image_size
        after = tf.size(image_bytes, out_type=tf.int64)
        extra = (after, tf.zeros([height, width, 3]))

        def convert(row, data, orientation):
            pixels = decode_format(data, self.max_pixels, format, orientation)
            return row, self.rescale(self._resize(tf.expand_dims(pixels, 0)))[0]

        def survivors():
            # The extra row makes sure that there is an element even if no image
            # decodes. Reading one element is several times cheaper per call than
            # `Dataset.reduce`.
            columns = (image_bytes, orientation)
            columns = (rows, *(tf.gather(column, rows) for column in columns))
            return (
                tf.data.Dataset.from_tensor_slices(columns)
                .map(tf.autograph.experimental.do_not_convert(convert))
                .ignore_errors()
                .concatenate(tf.data.Dataset.from_tensors(extra))
                .batch(after + 1)
                .get_single_element()
            )

        def nothing():
            return tuple(tf.expand_dims(part, 0) for part in extra)

        return tf.cond(tf.size(rows) > 0, survivors, nothing)

    def _explain(self, image_bytes: tf.Tensor, valid: tf.Tensor) -> tf.Tensor:
        def explain_failed():
            failed = tf.where(tf.logical_not(valid))
            data = tf.gather_nd(image_bytes, failed)
            reason = map_rows(lambda row: image_error(row, self.max_pixels), data)
            reason = tf.where(tf.equal(reason, ""), undecodable_reason(data), reason)
            return tf.tensor_scatter_nd_update(nothing, failed, reason)

        nothing = tf.fill(tf.shape(image_bytes), "")
        error = tf.cond(tf.reduce_all(valid), lambda: nothing, explain_failed)
        return tf.ensure_shape(error, [None])

    def _resize(self, pixels: tf.Tensor) -> tf.Tensor:
        if self.crop_to_aspect_ratio:
            pixels = self._crop(pixels)
        height, width = self.image_size
        # Resizing to the same size is the identity, but not a cheap one.
        images = tf.cond(
            tf.reduce_all(tf.equal(tf.shape(pixels)[1:3], [height, width])),
            lambda: tf.cast(pixels, tf.float32),
            lambda: tf.image.resize(
                pixels, (height, width), "bilinear", antialias=True
            ),
        )
        return tf.ensure_shape(images, [None, height, width, 3])

    def _crop(self, pixels: tf.Tensor) -> tf.Tensor:
        height, width = self.image_size
        shape = tf.shape(pixels)
        # Exact in integers: a window as tall as the image has the width
        # `image_height * width / height`, unless the image is narrower.
        crop_width = tf.minimum(shape[2], tf.maximum(shape[1] * width // height, 1))
        crop_height = tf.minimum(shape[1], tf.maximum(shape[2] * height // width, 1))
        top = (shape[1] - crop_height) // 2
        left = (shape[2] - crop_width) // 2
        return pixels[:, top : top + crop_height, left : left + crop_width]

    def rescale(self, images: tf.Tensor) -> tf.Tensor:
        """Rescales pixels to the range of the image encoder.

        Args:
            images: float32 `[..., 3]`, from 0 to 255.

        Returns:
            float32 of the same shape, `images * scale + offset`.
        """
        return images * tf.constant(self.scale, tf.float32) + tf.constant(
            self.offset, tf.float32
        )


def require_images(
    error: tf.Tensor, names: tf.Tensor, kind: str, what: str = "images"
) -> Any:
    """Opens a scope whose operations run only if every image of a batch is valid.

    Args:
        error: string `[batch]`, of `ImageConverter.convert`.
        names: string `[batch]`, the names of the images.
        kind: string, word before each name, e.g. `"row"`.
        what: string, plural noun for the images.

    Returns:
        A context manager.

    Raises:
        tf.errors.InvalidArgumentError: if a row of `error` is not empty.
    """
    invalid = tf.not_equal(error, "")
    lines = tf.strings.join([f"{kind} ", names, ": ", error])
    lines = tf.boolean_mask(lines, invalid)[:_ERRORS_SHOWN]
    count = tf.math.count_nonzero(invalid)
    message = tf.strings.join(
        [
            tf.strings.as_string(count),
            f" of the {what} cannot be used: ",
            tf.strings.reduce_join(lines, separator="; "),
            f". {REMEDY}.",
        ]
    )
    return require(tf.equal(count, 0), message)


def _to_size(image_size: int | Sequence[int]) -> tuple[int, int]:
    sides = image_size if isinstance(image_size, Sequence) else (image_size,) * 2
    if len(sides) != 2:
        raise ValueError(
            "`image_size` must be an integer or a pair (height, width). "
            f"Received: image_size={image_size!r}."
        )
    height, width = (whole_number("image_size", side, minimum=1) for side in sides)
    return height, width


def _to_config(value: float | Sequence[float]) -> float | list[float]:
    if isinstance(value, Sequence):
        return [float(v) for v in value]
    return float(value)


def _to_tensor(inputs: Any) -> tf.Tensor | tf.RaggedTensor:
    if isinstance(inputs, tf.RaggedTensor):
        return inputs
    return tf.convert_to_tensor(inputs)
