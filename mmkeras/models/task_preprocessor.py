"""What the preprocessors of all tasks share: modalities and presets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import keras_hub
import tensorflow as tf
from keras_hub.src.utils.preset_utils import load_json

from mmkeras.data import DecodedSamples
from mmkeras.data.decode_samples import decode_samples
from mmkeras.data.name_rows import name_rows
from mmkeras.preprocessing import ImageModality, Modality
from mmkeras.preprocessing.images.image_converter import require_images


class TaskPreprocessor(keras_hub.models.Preprocessor):
    """A preprocessor of batched samples.

    A subclass implements `call`, and either sets `image_converter`, an
    `ImageConverter`, or overrides `modalities`.
    """

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """What samples must have, apart from targets.

        The features of the first modality are cached (`Task.cache_features`), by the
        layer `KEY_encoder` of the backbone.
        """
        return (ImageModality(self.image_converter),)

    def __call__(self, x: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        # Keras refuses dicts that mix tensors with lists.
        if isinstance(x, Mapping):
            x = {key: to_tensor(value) for key, value in x.items()}
        return super().__call__(x, *args, **kwargs)

    def decoded_inputs(self, x: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        """The model's inputs from the encoded modalities of a batch.

        Args:
            x: dict of a batch, as in `call`.

        Returns:
            e.g. `{"images": float32 [batch, image_height, image_width, 3]}`, or
            `{"image_features": ...}` if the samples have features.

        Raises:
            ValueError: If the samples lack a modality.
            tf.errors.InvalidArgumentError: If a value cannot be decoded. The message
                has the id of the sample.
        """
        batch, errors, _ = self.decode(x)
        encoded = [modality for modality in self.modalities if modality.encoded]
        keys = [
            m.features_key if m.features_key in batch else m.input_key for m in encoded
        ]
        names, kind = name_rows(x, tf.size(errors), encoded[0].key)
        with require_images(errors, names, kind, f"{encoded[0].key}s"):
            return {key: tf.identity(batch[key]) for key in keys}

    def decode(self, x: Mapping[str, Any]) -> DecodedSamples:
        """Decodes the encoded modalities of a batch, each row failing alone.

        Args:
            x: dict of a batch, as in `call`.

        Returns:
            `DecodedSamples`: the batch with e.g. `"images"`, `float32`
            `[batch, image_height, image_width, 3]`, zeros in bad rows, in place of
            `"image"`; and for each row the error, `""` if there is none, and a name.

        Raises:
            ValueError: If the samples lack a modality.
        """
        return decode_samples(x, self.modalities)

    @classmethod
    def from_preset(
        cls, preset: str, config_file: str = "preprocessor.json", **kwargs: Any
    ) -> TaskPreprocessor:
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
                "Check the folder, and save the preset again if it is corrupted."
            ) from error
        config["config"].update(kwargs)
        preprocessor = keras.saving.deserialize_keras_object(config)
        preprocessor.load_preset_assets(preset)
        return preprocessor


def to_tensor(value: Any) -> tf.Tensor | tf.RaggedTensor:
    """A value of a sample as a tensor; a ragged tensor stays ragged."""
    if isinstance(value, tf.RaggedTensor):
        return value
    return tf.convert_to_tensor(value)
