"""What the preprocessors of all tasks share: pictures and presets."""

from collections.abc import Mapping
from typing import Any

import keras
import keras_hub
import tensorflow as tf
from keras_hub.src.utils.preset_utils import load_json

from mmkeras.preprocessing.images.image_converter import require_images


class TaskPreprocessor(keras_hub.models.Preprocessor):
    """A preprocessor of batched samples with pictures.

    A subclass sets `image_converter`, an `ImageConverter`, and writes `call`.
    """

    # Whether a sample may lack its picture and say so by `image_present`.
    pictures_may_be_missing = False

    def __call__(self, x: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        # Keras refuses dicts that mix tensors with lists.
        if isinstance(x, Mapping):
            x = {key: to_tensor(value) for key, value in x.items()}
        return super().__call__(x, *args, **kwargs)

    def pictures(self, x: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        """What the model sees of a batch, without its texts.

        Args:
            x: dict of a batch, as `call` takes it.

        Returns:
            `{"images": float32 [batch, image_height, image_width, 3]}`, or
            `{"image_features": …}` where the samples have these.

        Raises:
            ValueError: If the samples have neither.
            tf.errors.InvalidArgumentError: If a picture is bad. The message
                names the `image_id`.
        """
        if "image_features" in x and "image_error" not in x:
            return {"image_features": x["image_features"]}
        x, error = self.read_images(x)
        key = "image_features" if "image_features" in x else "images"
        names, kind = name_rows(x, tf.size(error))
        with require_images(error, names, kind):
            return {key: tf.identity(x[key])}

    def read_images(
        self, x: Mapping[str, Any]
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Decode the pictures of a batch, each row failing on its own.

        Args:
            x: dict of a batch, as `call` takes it.

        Returns:
            `(x, error)`: the batch with `"images"`, `float32`
            `[batch, image_height, image_width, 3]`, zeros in bad rows, in place of
            `"image"`; and `tf.string` `[batch]`, `""` for a good row, or for one that
            lacks its picture and may. Of features the `"image_error"` that they
            brought with them, if any.

        Raises:
            ValueError: If the samples have neither pictures nor features.
        """
        for key in ("image_features", "images"):
            if key in x:
                fine = tf.fill(tf.shape(x[key])[:1], "")
                return dict(x), x.get("image_error", fine)
        if "image" not in x:
            raise ValueError(missing_key("image", x))
        image = x["image"]
        if image.dtype == tf.string:
            images, error = self.image_converter.convert(image)
            if self.pictures_may_be_missing and "image_present" in x:
                error = tf.where(x["image_present"], error, "")
        else:
            images = self.image_converter(image)
            error = tf.fill(tf.shape(images)[:1], "")
        rest = {key: value for key, value in x.items() if key != "image"}
        return {**rest, "images": images}, error

    @classmethod
    def from_preset(
        cls, preset: str, config_file: str = "preprocessor.json", **kwargs: Any
    ) -> "TaskPreprocessor":
        """Load the preprocessor of a preset, whatever its backbone is.

        Args:
            preset: Directory of a preset, or a handle that KerasHub knows.
            config_file: Name of the configuration file in the preset.
            **kwargs: Constructor arguments to change, such as `sequence_length`.

        Returns:
            The preprocessor.
        """
        # KerasHub finds a preprocessor by the backbone class of the preset. Any
        # image encoder may be the backbone here, so the file itself decides.
        preset = str(preset)
        try:
            config = load_json(preset, config_file)
        except ValueError as error:
            raise ValueError(
                f"'{config_file}' of the preset '{preset}' cannot be read: {error}. "
                "Check the folder, and save the preset again if it is damaged."
            ) from error
        config["config"].update(kwargs)
        preprocessor = keras.saving.deserialize_keras_object(config)
        preprocessor.load_preset_assets(preset)
        return preprocessor


def to_tensor(value: Any) -> tf.Tensor | tf.RaggedTensor:
    """A tensor of whatever a sample holds; what is ragged stays so."""
    if isinstance(value, tf.RaggedTensor):
        return value
    return tf.convert_to_tensor(value)


def name_rows(x: Mapping[str, Any], rows: tf.Tensor) -> tuple[tf.Tensor, str]:
    """What errors call the rows of a batch.

    Args:
        x: dict of a batch.
        rows: int scalar, how many there are.

    Returns:
        `tf.string` `[rows]`, and the word to put before each: `"image_id"`, or
        `"row"` for a batch that has no ids.
    """
    if "image_id" not in x:
        return tf.strings.as_string(tf.range(rows)), "row"
    ids = tf.convert_to_tensor(x["image_id"])
    return ids if ids.dtype == tf.string else tf.strings.as_string(ids), "image_id"


def missing_key(key: str, sample: Mapping[str, Any]) -> str:
    """The message for a sample that lacks what the task needs."""
    return (
        f"A sample must have the key '{key}'. Map the dataset to dicts that have it. "
        f"Received the keys: {sorted(sample)}"
    )
