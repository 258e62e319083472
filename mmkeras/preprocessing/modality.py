"""One kind of input of a model: image, text, and later video, audio, tables."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any

import tensorflow as tf


class Modality(abc.ABC):
    """How samples hold one kind of input, and how its values become tensors.

    A sample is a dict. Of a modality it has the value itself under `key`, or its cached
    features under `features_key`; where it may be missing, a bool under `present_key`.
    Code that handles samples asks the modality and never tests for a certain key, so
    that a new kind of input is a new subclass.

    Args:
        key: string, the key of the value in a sample, e.g. `"image"`.
        optional: bool, whether a sample may lack it (`present_key` is then False, and
            the value an empty one).
    """

    # Whether values must be decoded, which fails for a corrupt one.
    encoded: bool = True

    def __init__(self, key: str, optional: bool = False):
        self.key = key
        self.optional = optional

    @property
    def present_key(self) -> str:
        """The key of a bool, False where the value is missing."""
        return f"{self.key}_present"

    @property
    def features_key(self) -> str:
        """The key of cached features, and of the model's input that takes them."""
        return f"{self.key}_features"

    @property
    def error_key(self) -> str:
        """The key of the reason why features are missing, `""` where they are not."""
        return f"{self.key}_error"

    @property
    def id_key(self) -> str:
        """The key by which error messages name a sample."""
        return f"{self.key}_id"

    @property
    def input_key(self) -> str:
        """The name of the model's input, and the key of decoded values in a batch."""
        return f"{self.key}s"

    def is_in(self, sample: Mapping[str, Any]) -> bool:
        """Whether samples have this modality, as a value or as features.

        Args:
            sample: dict, a sample, a batch, or the `element_spec` of a dataset.
        """
        return self.key in sample or self.features_key in sample

    def batched(self, spec: Mapping[str, Any]) -> bool:
        """Whether samples are batched, by the rank of this modality in them.

        Args:
            spec: dict with this modality: the `element_spec` of a dataset, or a sample.
        """
        if self.key in spec:
            return self.value_batched(spec[self.key])
        # Features of a sample are [tokens, channels].
        return spec[self.features_key].shape.rank == 3

    def number_of_rows(self, batch: Mapping[str, Any]) -> tf.Tensor:
        """The number of samples of a batch, int64 scalar, in graph."""
        value = batch[self.key if self.key in batch else self.features_key]
        if isinstance(value, tf.RaggedTensor):
            return value.nrows(tf.int64)
        return tf.shape(value, out_type=tf.int64)[0]

    @abc.abstractmethod
    def value_batched(self, value: Any) -> bool:
        """Whether a value is a batch of values.

        Args:
            value: a tensor or a `tf.TypeSpec`.
        """

    def batchable(self, value: tf.Tensor) -> tf.Tensor:
        """A single value in a form that can be stacked with others, in graph.

        Args:
            value: tensor, the value of one sample.
        """
        return value

    def drop(self, value: tf.Tensor, kept: tf.Tensor) -> tf.Tensor:
        """A value, or the empty one that stands for a missing value, in graph.

        Args:
            value: tensor, the value of one sample, `batchable`.
            kept: bool, scalar or of the shape of `value`.
        """
        return tf.where(kept, value, tf.zeros([], value.dtype))

    @abc.abstractmethod
    def load(self, values: Any) -> tuple[list, list[str], bool]:
        """Reads values in all forms that users have them in.

        Args:
            values: one raw value, e.g. a path, a list of these, or a batch.

        Returns:
            A list of values that `tf.constant` makes a batch for `decode`; a name of
            each, for error messages; and whether a single value was given.

        Raises:
            FileNotFoundError: if a file does not exist.
            ValueError: if a value has the wrong type or shape.
        """

    @abc.abstractmethod
    def decode(self, values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Converts a batch of raw values to the model's input, in graph.

        Each row fails alone.

        Args:
            values: tensor `[batch, ...]` of raw values.

        Returns:
            The input, `[batch, ...]`, zeros in rows that failed; and string `[batch]`,
            the reason why a row failed, `""` for the others.
        """

    def config(self) -> Any:
        """What the result of `decode` depends on, for JSON.

        Cached features are computed again when it changes.
        """
        return {"class": type(self).__name__}

    def keep(self, value: Any) -> bytes | str | None:
        """A small copy of a raw value, which a preset keeps for later checks.

        Args:
            value: one raw value, as a dataset gives it.

        Returns:
            The content of a file (`file_suffix`), a string, or `None` for a value that
            is missing or cannot be decoded.
        """
        raise NotImplementedError(f"{type(self).__name__} does not keep samples.")

    # Ending of the files that `keep` makes; none for strings.
    file_suffix: str = ""

    def litert_input(self) -> tuple[dict[str, tf.TensorSpec], dict]:
        """The inputs of a LiteRT signature for one value, and how to prepare them.

        Returns:
            dict of `tf.TensorSpec` with a batch of 1, by name; and a dict for JSON.
        """
        raise NotImplementedError(f"{type(self).__name__} has no LiteRT input.")

    def from_litert(self, inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """The model's input from the inputs of a LiteRT signature, in graph.

        Args:
            inputs: dict of tensors, as `litert_input` specifies them.
        """
        raise NotImplementedError(f"{type(self).__name__} has no LiteRT input.")
