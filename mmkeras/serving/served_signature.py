from __future__ import annotations

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from mmkeras.serving.serving_error import ServingError


class ServedSignature:
    """What one signature of a SavedModel takes and gives.

    Args:
        name: string.
        definition: `SignatureDef`, as the SavedModel has it.

    Attributes:
        inputs: dict of `tf.TensorSpec` by name.
        outputs: dict of `tf.TensorSpec` by name.
        is_batched: bool, whether rows of several requests may be put together: all
            inputs and outputs have a free first dimension.
    """

    def __init__(self, name: str, definition: meta_graph_pb2.SignatureDef):
        self.name = name
        self.inputs = _specs(definition.inputs)
        self.outputs = _specs(definition.outputs)
        every = [*self.inputs.values(), *self.outputs.values()]
        self.is_batched = bool(self.inputs) and all(
            spec.shape.rank and spec.shape[0] is None for spec in every
        )

    def check(self, inputs: dict[str, np.ndarray]) -> int:
        """Refuses inputs that the model would fail on.

        Args:
            inputs: dict of arrays by name.

        Returns:
            The number of rows; 1 for a signature that is not batched.

        Raises:
            ServingError: `INVALID_ARGUMENT`, naming the input.
        """
        self.check_names(inputs)
        for name, spec in self.inputs.items():
            self._check_tensor(name, spec, inputs[name])
        if not self.is_batched:
            return 1
        rows = {name: len(value) for name, value in inputs.items()}
        if len(set(rows.values())) > 1:
            raise ServingError.invalid(
                "All inputs must have as many rows. Received: "
                + ", ".join(f"`{name}` {count}" for name, count in sorted(rows.items()))
            )
        number = next(iter(rows.values()))
        if number == 0:
            raise ServingError.invalid("The batch is empty: it has no rows.")
        return number

    def check_names(self, names) -> None:
        """Refuses missing inputs and those that the signature does not know."""
        missing = sorted(self.inputs.keys() - names)
        extra = sorted(set(names) - self.inputs.keys())
        if missing or extra:
            raise ServingError.invalid(
                f"The inputs do not match the signature `{self.name}`, which takes "
                f"{_listed(self.inputs)}. Missing: {_listed(missing)}. "
                f"Unknown: {_listed(extra)}."
            )

    def check_filter(self, names: list[str]) -> None:
        """Refuses outputs that the signature does not have, or twice the same."""
        unknown = sorted(set(names) - self.outputs.keys())
        if unknown or len(set(names)) < len(names):
            raise ServingError.invalid(
                f"`output_filter` names outputs of the signature `{self.name}`, each "
                f"once: {_listed(self.outputs)}. Received: {_listed(names)}."
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
