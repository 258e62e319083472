from __future__ import annotations

from collections.abc import Collection

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from mmkeras.serving.serving_error import ServingError


class ServedSignature:
    """The inputs and outputs of a signature of a SavedModel.

    Args:
        name: string.
        definition: `SignatureDef` of the SavedModel.

    Attributes:
        inputs: dict from name to `tf.TensorSpec`.
        outputs: dict from name to `tf.TensorSpec`.
        is_batched: bool, whether rows of several requests can be batched: the first
            dimension of all inputs and outputs is unknown.
    """

    def __init__(self, name: str, definition: meta_graph_pb2.SignatureDef):
        self.name = name
        self.inputs = _specs(definition.inputs)
        self.outputs = _specs(definition.outputs)
        specs = [*self.inputs.values(), *self.outputs.values()]
        self.is_batched = bool(self.inputs) and all(
            spec.shape.rank and spec.shape[0] is None for spec in specs
        )

    def check(self, inputs: dict[str, np.ndarray]) -> int:
        """Check the names, dtypes and shapes of inputs.

        Args:
            inputs: dict from name to array.

        Returns:
            Int, the number of rows, or 1 for a signature that is not batched.

        Raises:
            ServingError: `INVALID_ARGUMENT` if an input does not match.
        """
        self.check_names(inputs)
        for name, spec in self.inputs.items():
            self._check_tensor(name, spec, inputs[name])
        if not self.is_batched:
            return 1
        rows = {name: len(value) for name, value in inputs.items()}
        if len(set(rows.values())) > 1:
            raise ServingError.invalid(
                "All inputs must have the same number of rows. Received: "
                + ", ".join(f"`{name}` {count}" for name, count in sorted(rows.items()))
            )
        number = next(iter(rows.values()))
        if number == 0:
            raise ServingError.invalid("The batch is empty: it has no rows.")
        return number

    def check_names(self, names: Collection[str]) -> None:
        """Raise a `ServingError` for missing and for unknown inputs."""
        missing = sorted(self.inputs.keys() - names)
        extra = sorted(set(names) - self.inputs.keys())
        if missing or extra:
            raise ServingError.invalid(
                f"The inputs do not match the signature `{self.name}`, which expects "
                f"{_listed(self.inputs)}. Missing: {_listed(missing)}. "
                f"Unknown: {_listed(extra)}."
            )

    def check_filter(self, names: list[str]) -> None:
        """Raise a `ServingError` for unknown and for duplicate outputs."""
        unknown = sorted(set(names) - self.outputs.keys())
        if unknown or len(set(names)) < len(names):
            raise ServingError.invalid(
                f"`output_filter` must have different outputs of the signature "
                f"`{self.name}`: {_listed(self.outputs)}. Received: {_listed(names)}."
            )

    def _check_tensor(self, name, spec, value):
        if tf.as_dtype(value.dtype) != spec.dtype:
            raise ServingError.invalid(
                f"The input `{name}` must be {spec.dtype.name}. "
                f"Received: {tf.as_dtype(value.dtype).name}."
            )
        if not spec.shape.is_compatible_with(value.shape):
            raise ServingError.invalid(
                f"The input `{name}` must have the shape {_shape(spec.shape)}. "
                f"Received: {_shape(value.shape)}."
            )


def _specs(tensors) -> dict[str, tf.TensorSpec]:
    return {
        name: tf.TensorSpec(tf.TensorShape(info.tensor_shape), info.dtype, name)
        for name, info in sorted(tensors.items())
    }


def _shape(shape) -> str:
    return str(list(shape))


def _listed(names) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"
