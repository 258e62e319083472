"""Images that a model sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from mmkeras.preprocessing.images.load_images import load_images
from mmkeras.preprocessing.modality import Modality

if TYPE_CHECKING:
    # It imports KerasHub, which batching samples does not need.
    from mmkeras.preprocessing.images.image_converter import ImageConverter


class ImageModality(Modality):
    """Images: encoded bytes, or uint8 `[height, width, channels]`.

    Args:
        converter: an `ImageConverter`, or `None` where nothing is to be decoded.
        key: string, the key of the image in a sample.
        optional: bool, whether a sample may lack its image.

    Example:
        ```python
        modality = ImageModality(ImageConverter(224))
        values, names, single = modality.load(["cat.jpg", "dog.jpg"])
        images, errors = modality.decode(tf.constant(values))
        ```
    """

    file_suffix = ".png"

    def __init__(
        self,
        converter: ImageConverter | None = None,
        key: str = "image",
        optional: bool = False,
    ):
        super().__init__(key, optional)
        self.converter = converter

    def value_batched(self, value: Any) -> bool:
        rank = value.shape.rank
        return rank == 1 if value.dtype == tf.string else rank == 4

    def batchable(self, value: tf.Tensor) -> tf.Tensor:
        """The bytes of a PNG: images of several sizes cannot be stacked, files can."""
        if value.dtype == tf.string:
            return value
        return tf.io.encode_png(value, compression=1)

    def load(self, values: Any) -> tuple[list[bytes], list[str], bool]:
        return load_images(values)

    def decode(self, values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Converts images as `ImageConverter` does, each row failing alone.

        Args:
            values: string `[batch]`, or uint8 `[batch, height, width, channels]`.

        Returns:
            float32 `[batch, image_height, image_width, 3]`, and string `[batch]`.
        """
        if values.dtype == tf.string:
            return self.converter.convert(values)
        images = self.converter(values)
        return images, tf.fill(tf.shape(images)[:1], "")

    def config(self) -> Any:
        config = keras.saving.serialize_keras_object(self.converter)
        # Keras counts the layers of a session in their names.
        config["config"].pop("name", None)
        return config

    def keep(self, value: Any) -> bytes | None:
        """A PNG of the size that the model sees."""
        try:
            values, *_ = self.load(value.numpy() if hasattr(value, "numpy") else value)
        except ValueError:
            return None
        images, errors = self.decode(tf.constant(values))
        if errors.numpy()[0]:
            return None
        scale, offset = np.array(self.converter.scale), np.array(self.converter.offset)
        pixels = np.rint((images.numpy()[0] - offset) / scale).clip(0, 255)
        return tf.io.encode_png(pixels.astype(np.uint8), compression=9).numpy()

    def litert_input(self) -> tuple[dict[str, tf.TensorSpec], dict]:
        """uint8 `[1, height, width, 3]` under `key`, and how hosts prepare it."""
        height, width = self.converter.image_size
        spec = tf.TensorSpec([1, height, width, 3], tf.uint8, name=self.key)
        description = {
            "height": height,
            "width": width,
            "crop": self.converter.crop_to_aspect_ratio,
            "resampling": "bilinear, antialiased",
            # Applied inside of the file, to pixels of 0 to 255.
            "scale": self.converter.scale,
            "offset": self.converter.offset,
        }
        return {self.key: spec}, description

    def from_litert(self, inputs: dict[str, tf.Tensor]) -> tf.Tensor:
        return self.converter.rescale(tf.cast(inputs[self.key], tf.float32))
