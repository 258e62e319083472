from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from mmkeras.serving.serving_error import ServingError

# TF Serving fills these fields too, and clients read them by name.
_FIELDS = {
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.int8: "int_val",
    tf.int16: "int_val",
    tf.int32: "int_val",
    tf.uint8: "int_val",
    tf.int64: "int64_val",
    tf.bool: "bool_val",
    tf.string: "string_val",
}


def tensor_from_proto(
    proto: tensor_pb2.TensorProto,
    name: str,
    max_bytes: int,
    take: Callable[[int], None],
) -> np.ndarray:
    """Convert a tensor of a gRPC request.

    Args:
        proto: `TensorProto`.
        name: string, name of the input, for messages.
        max_bytes: int, maximum size of the array. A proto of a few bytes can encode a
            billion equal values.
        take: function of the size of the array in bytes, called before its memory is
            allocated.

    Returns:
        Array; strings are an object array of bytes.

    Raises:
        ServingError: `INVALID_ARGUMENT` if the proto is invalid, `RESOURCE_EXHAUSTED`
            if the array is too large, or the error of `take`.
    """
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or any(size < 0 for size in shape):
        raise ServingError.invalid(
            f"tensor parsing error: {name}: its shape must be known. Received: {shape}."
        )
    try:
        dtype = tf.as_dtype(proto.dtype)
    except TypeError as error:
        raise ServingError.invalid(
            f"tensor parsing error: {name}: unknown dtype {proto.dtype}."
        ) from error
    take(_checked_size(proto, dtype, math.prod(shape), name, max_bytes))
    try:
        array = tf.make_ndarray(proto)
    except Exception as error:
        raise ServingError.invalid(f"tensor parsing error: {name}: {error}") from error
    return array.astype(object) if dtype == tf.string else array


def tensor_to_proto(array: np.ndarray) -> tensor_pb2.TensorProto:
    """Convert an array to a tensor of a gRPC response, as TF Serving does.

    Args:
        array: array; strings are an object array of bytes.

    Returns:
        A `TensorProto`.
    """
    dtype = tf.as_dtype(array.dtype)
    if dtype not in _FIELDS:
        return tf.make_tensor_proto(array)
    proto = tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum)
    # Set explicitly for a scalar, which has no dimensions.
    proto.tensor_shape.SetInParent()
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    getattr(proto, _FIELDS[dtype]).extend(array.ravel().tolist())
    return proto


def _checked_size(proto, dtype, count, name, max_bytes) -> int:
    if dtype == tf.string:
        if len(proto.string_val) != count:
            raise ServingError.invalid(
                f"tensor parsing error: {name}: its shape has {count} values. "
                f"Received: {len(proto.string_val)} in string_val."
            )
        # An object array has a pointer for each string.
        return count * np.dtype(object).itemsize
    size = count * max(dtype.size or 1, 1)
    if size > max_bytes:
        raise ServingError.exhausted(
            f"The input `{name}` has {size} bytes; at most {max_bytes} are accepted.",
            http_status=413,
        )
    return size
