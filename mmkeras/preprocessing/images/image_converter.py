"""Encoded or raw pictures to the float tensors that an image encoder takes."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import keras
import keras_hub
import tensorflow as tf

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
# What a caller can do; `fit` adds that it has an option for it.
LEAVE_OUT = "Replace them, or leave them out"


@keras.saving.register_keras_serializable(package="mmkeras")
class ImageConverter(keras_hub.layers.ImageConverter):
    """Decode, resize and rescale pictures in graph.

    A picture is squashed to the target size with antialiased bilinear
    interpolation (with `crop_to_aspect_ratio=True` its largest central window of
    the target's proportions is taken instead), then `pixel * scale + offset`.
    The output is `float32` under every dtype policy.

    Calling the layer raises at the first bad picture; `convert` never raises
    and says per row what was wrong.

    Args:
        image_size: int, or `(height, width)`. Side of the output in pixels. Read
            back as the tuple `(height, width)`, as in KerasHub.
        scale: float, or one float per channel. Factor of the 0..255 pixels.
        offset: float, or one float per channel. Added after scaling.
        max_pixels: int. Encoded pictures of more pixels than this are refused
            by their header, before they are decoded.
        crop_to_aspect_ratio: bool. Crop instead of squashing.
        **kwargs: `name` and other arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: One of `tf.string` `[batch]` (encoded JPEG or PNG), `uint8`
            `[batch, height, width, channels]` with 1 or 3 channels, a
            `tf.RaggedTensor` of such pictures of several sizes, or a single
            unbatched picture of either kind.

    Output shape:
        `float32` `[batch, image_height, image_width, 3]`, without `batch` for an
        unbatched input.

    Raises:
        tf.errors.InvalidArgumentError: If a row of encoded pictures is bad. The
            message names the row and the reason.
        ValueError: If the input is neither strings nor `uint8`.

    Example:

    >>> converter = ImageConverter(224)
    >>> converter([tf.io.read_file("cat.jpg")]).shape
    TensorShape([1, 224, 224, 3])
    >>> images, error = converter.convert(tf.constant([b"not a picture"]))
    >>> error.numpy()
    array([b'unknown image format: convert the picture to JPEG or PNG'])
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
        if max_pixels < 1:
            raise ValueError(
                f"`max_pixels` must be at least 1. Received: max_pixels={max_pixels}"
            )
        self.max_pixels = int(max_pixels)
        # Traced once, or each batch outside of a graph would pay for that.
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
            "`ImageConverter` takes encoded pictures (`tf.string`) or `uint8` pixels "
            "of 0 to 255. Convert other pixels with "
            "`tf.image.convert_image_dtype(pixels, tf.uint8)`. "
            f"Received: dtype={inputs.dtype.name}"
        )

    def convert(self, image_bytes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Convert a batch of encoded pictures, each row failing on its own.

        Args:
            image_bytes: `tf.string` `[batch]`. The batch may be empty.

        Returns:
            `(images, error)`: `float32` `[batch, image_height, image_width, 3]`,
            zeros in bad rows, and `tf.string` `[batch]`, `""` for a good row.
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
                "or 3 channels; encode pictures with an alpha channel as PNG. "
                f"Received: shape={pixels.shape}"
            )
        if pixels.shape[-1] == 1:
            pixels = tf.image.grayscale_to_rgb(pixels)
        return self.rescale(self._resize(pixels))

    def _convert_batch(self, image_bytes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        height, width = self.image_size
        count = tf.size(image_bytes, out_type=tf.int64)
        code = image_format(image_bytes)
        # A graph for each format, and only those of the formats that are there run:
        # of a dataset within a graph the whole graph is set up at each call.
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
        fine = tf.scatter_nd(row, tf.ones_like(row[:, 0]), [count + 1])[:-1] > 0
        images = tf.ensure_shape(images, [None, height, width, 3])
        return images, self._explain(image_bytes, fine)

    def _convert_format(
        self,
        image_bytes: tf.Tensor,
        orientation: tf.Tensor,
        rows: tf.Tensor,
        format: str,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The places and pixels of the pictures that decode, and one row after all."""
        height, width = self.image_size
        after = tf.size(image_bytes, out_type=tf.int64)
        extra = (after, tf.zeros([height, width, 3]))

        def convert(row, data, orientation):
            pixels = decode_format(data, self.max_pixels, format, orientation)
            return row, self.rescale(self._resize(tf.expand_dims(pixels, 0)))[0]

        def survivors():
            # One row more than asked for, so that there is an element to read even
            # when no picture survives. Reading one element is several times
            # cheaper per call than `Dataset.reduce`.
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

    def _explain(self, image_bytes: tf.Tensor, fine: tf.Tensor) -> tf.Tensor:
        def explain_failed():
            failed = tf.where(tf.logical_not(fine))
            data = tf.gather_nd(image_bytes, failed)
            reason = map_rows(lambda row: image_error(row, self.max_pixels), data)
            reason = tf.where(tf.equal(reason, ""), undecodable_reason(data), reason)
            return tf.tensor_scatter_nd_update(nothing, failed, reason)

        nothing = tf.fill(tf.shape(image_bytes), "")
        error = tf.cond(tf.reduce_all(fine), lambda: nothing, explain_failed)
        return tf.ensure_shape(error, [None])

    def _resize(self, pixels: tf.Tensor) -> tf.Tensor:
        if self.crop_to_aspect_ratio:
            pixels = self._crop(pixels)
        height, width = self.image_size
        # Resizing to the same size is the identity, and not a cheap one.
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
        # Exact in integers: a window as tall as the picture has the width
        # `picture_height * width / height`, unless the picture is narrower.
        crop_width = tf.minimum(shape[2], tf.maximum(shape[1] * width // height, 1))
        crop_height = tf.minimum(shape[1], tf.maximum(shape[2] * height // width, 1))
        top = (shape[1] - crop_height) // 2
        left = (shape[2] - crop_width) // 2
        return pixels[:, top : top + crop_height, left : left + crop_width]

    def rescale(self, images: tf.Tensor) -> tf.Tensor:
        """Pixels of the target size as an image encoder takes them.

        Args:
            images: `float32` `[..., 3]`, of 0 to 255.

        Returns:
            `float32` of the same shape, `images * scale + offset`.
        """
        return images * tf.constant(self.scale, tf.float32) + tf.constant(
            self.offset, tf.float32
        )


def require_images(error: tf.Tensor, names: tf.Tensor, kind: str) -> Any:
    """A scope whose operations run only if every picture of a batch is fine.

    Args:
        error: `tf.string` `[batch]`, as `ImageConverter.convert` returns it.
        names: `tf.string` `[batch]`, what to call the pictures.
        kind: Word put before each name, such as `"row"`.

    Returns:
        A context manager.

    Raises:
        tf.errors.InvalidArgumentError: If any row of `error` is not empty.
    """
    bad = tf.not_equal(error, "")
    lines = tf.strings.join([f"{kind} ", names, ": ", error])
    lines = tf.boolean_mask(lines, bad)[:_ERRORS_SHOWN]
    count = tf.math.count_nonzero(bad)
    message = tf.strings.join(
        [
            tf.strings.as_string(count),
            " of the images cannot be used: ",
            tf.strings.reduce_join(lines, separator="; "),
            f". {LEAVE_OUT}.",
        ]
    )
    return require(tf.equal(count, 0), message)


def _to_size(image_size: int | Sequence[int]) -> tuple[int, int]:
    sides = image_size if isinstance(image_size, Sequence) else (image_size,) * 2
    if len(sides) != 2 or not all(isinstance(s, Integral) and s > 0 for s in sides):
        raise ValueError(
            "`image_size` must be a positive int or a pair (height, width) of them. "
            f"Received: image_size={image_size}"
        )
    return int(sides[0]), int(sides[1])


def _to_config(value: float | Sequence[float]) -> float | list[float]:
    if isinstance(value, Sequence):
        return [float(v) for v in value]
    return float(value)


def _to_tensor(inputs: Any) -> tf.Tensor | tf.RaggedTensor:
    if isinstance(inputs, tf.RaggedTensor):
        return inputs
    return tf.convert_to_tensor(inputs)
