from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

# Presets are data: they must not be able to call functions that access files.
_NAMES = """
abs argmax argmin boolean_mask broadcast_to cast clip_by_value concat cumsum cos
einsum equal exp expand_dims eye fill floor gather gather_nd greater greater_equal
identity less less_equal logical_and logical_not logical_or matmul maximum minimum
negative norm not_equal one_hot ones ones_like pad pow range rank reduce_all
reduce_any reduce_max reduce_mean reduce_min reduce_prod reduce_sum repeat reshape
reverse roll round scalar_mul shape sigmoid sign sin size slice split sqrt square
squeeze stack stop_gradient strided_slice subtract tanh tensordot tile transpose
unstack where zeros zeros_like
__operators__.add __operators__.eq __operators__.getitem __operators__.ne
compat.v1.gather compat.v1.pad compat.v1.shape compat.v1.size compat.v1.squeeze
compat.v1.transpose
image.central_crop image.crop_to_bounding_box image.flip_left_right image.resize
image.rgb_to_grayscale image.grayscale_to_rgb
linalg.band_part linalg.l2_normalize linalg.matmul linalg.norm
math.abs math.add math.argmax math.argmin math.ceil math.cos math.cumsum math.divide
math.divide_no_nan math.equal math.erf math.exp math.floor math.floordiv
math.floormod math.greater math.greater_equal math.l2_normalize math.less
math.less_equal math.log math.log1p math.logical_and math.logical_not
math.logical_or math.maximum math.minimum math.multiply math.negative math.not_equal
math.pow math.reduce_all math.reduce_any math.reduce_max math.reduce_mean
math.reduce_min math.reduce_prod math.reduce_std math.reduce_sum
math.reduce_variance math.round math.rsqrt math.sigmoid math.sign math.sin
math.softplus math.sqrt math.square math.squared_difference math.subtract math.tanh
math.top_k math.truediv
nn.avg_pool nn.avg_pool2d nn.bias_add nn.depth_to_space nn.elu nn.gelu nn.l2_normalize
nn.leaky_relu nn.log_softmax nn.max_pool nn.max_pool2d nn.relu nn.relu6 nn.selu
nn.sigmoid nn.silu nn.softmax nn.softplus nn.softsign nn.space_to_depth nn.swish
nn.tanh
""".split()


@keras.saving.register_keras_serializable(package="mmkeras")
class TensorOperation(keras.layers.Layer):
    """Applies a TensorFlow function, as between the layers of a Keras 2 model.

    Keras 2 represents `2 * x` or `tf.concat([x, y], -1)` in a functional model as a
    layer.

    Args:
        function: string, name of a function of tensors in Keras 2's notation, e.g.
            `"math.multiply"` for `tf.math.multiply`, or `"__operators__.getitem"`.
        arguments: list of the positional arguments, a list, and the keyword arguments,
            a dict, as returned by `TensorOperation.serialize`.

    Call arguments:
        *tensors: the tensors among the arguments, in order.

    Raises:
        ValueError: if the function is not supported.

    Example:
        ```python
        double = TensorOperation("math.multiply", [[{"tensor": 0}, 2.0], {}])
        double(np.ones((1, 3)))  # [[2., 2., 2.]]
        ```
    """

    def __init__(self, function: str, arguments: list, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)
        if function not in _NAMES:
            raise ValueError(
                f"The function 'tf.{function}' is not supported between layers. "
                f"Received: function={function!r}. Replace it by a Keras 3 layer."
            )
        self.function = function
        self.arguments = arguments

    @staticmethod
    def serialize(structure: Any, tensors: list) -> Any:
        """Converts arguments to JSON data and appends their tensors to a list.

        Args:
            structure: nested lists and dicts of arguments.
            tensors: list that the tensors are appended to, which the result refers to
                by index.

        Returns:
            Nested lists and dicts.

        Raises:
            ValueError: if an argument cannot be serialized.
        """
        if keras.backend.is_keras_tensor(structure):
            tensors.append(structure)
            return {"tensor": len(tensors) - 1}
        if structure is Ellipsis:
            return {"ellipsis": True}
        if isinstance(structure, slice):
            structure = {
                part: getattr(structure, part) for part in ("start", "stop", "step")
            }
        if isinstance(structure, dict):
            return {
                key: TensorOperation.serialize(value, tensors)
                for key, value in structure.items()
            }
        if isinstance(structure, (list, tuple)):
            return [TensorOperation.serialize(value, tensors) for value in structure]
        if isinstance(structure, tf.DType):
            return structure.name
        if isinstance(structure, (tf.Tensor, np.ndarray, np.generic)):
            array = np.asarray(structure)
            return {"array": array.tolist(), "dtype": array.dtype.name}
        if structure is None or isinstance(structure, (bool, int, float, str)):
            return structure
        raise ValueError(
            f"An argument of type {type(structure).__name__} cannot be serialized. "
            "Replace the operation by a Keras 3 layer."
        )

    def call(self, *tensors: tf.Tensor) -> Any:
        positional, named = _deserialized(self.arguments, tensors)
        if self.function == "__operators__.getitem":
            return _item(*positional, **named)
        function = tf
        for part in self.function.split("."):
            function = getattr(function, part)
        return function(*positional, **named)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "function": self.function,
            "arguments": self.arguments,
        }


def _item(tensor, slice_spec):
    parts = slice_spec if isinstance(slice_spec, list) else [slice_spec]
    return tensor[tuple(parts)]


def _deserialized(data, tensors):
    if isinstance(data, (list, tuple)):
        return [_deserialized(value, tensors) for value in data]
    if not isinstance(data, dict):
        return data
    keys = set(data)
    if keys == {"tensor"}:
        return tensors[data["tensor"]]
    if keys == {"ellipsis"}:
        return Ellipsis
    if keys == {"array", "dtype"}:
        return tf.constant(data["array"], data["dtype"])
    values = {key: _deserialized(value, tensors) for key, value in data.items()}
    return slice(*values.values()) if keys == {"start", "stop", "step"} else values
