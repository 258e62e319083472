from __future__ import annotations

import base64
import binascii
import itertools
import json
from typing import Any

import grpc
import numpy as np
import tensorflow as tf

from mmkeras.serving.serving_error import ServingError

_NAMES = {
    type(None): "Null",
    bool: "Bool",
    int: "Number",
    float: "Number",
    str: "String",
    list: "Array",
    dict: "Object",
}
# The limit of NumPy.
_MAX_DIMENSIONS = 64


def tensor_from_json(value: Any, dtype: tf.DType, name: str) -> np.ndarray:
    """Convert a tensor of TF Serving's REST API.

    Args:
        value: parsed JSON, nested lists of numbers, bools, strings or
            `{"b64": string}`.
        dtype: `tf.DType` of the signature.
        name: string, name of the input, for messages.

    Returns:
        Array of that dtype; strings are an object array of bytes.

    Raises:
        ServingError: `INVALID_ARGUMENT` if the lists are ragged or a value is of
            another type, `UNIMPLEMENTED` for a dtype that JSON cannot represent.
    """
    shape = _shape(value, name)
    leaves = _leaves(value, shape, name)
    array = _array(leaves, dtype, name)
    return array.reshape(shape)


def _shape(value, name) -> list[int]:
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if len(shape) > _MAX_DIMENSIONS:
            raise ServingError.invalid(
                f"`{name}` has {len(shape)} or more nested lists. At most "
                f"{_MAX_DIMENSIONS} are supported."
            )
        if not value:
            break
        value = value[0]
    return shape


def _leaves(value, shape, name) -> list:
    level = [value]
    for depth, size in enumerate(shape):
        lists = [isinstance(item, list) for item in level]
        if not all(lists):
            raise ServingError.invalid(
                f"`{name}` is ragged: JSON Value: {_short(level[lists.index(False)])} "
                f"found at level {depth}, where lists of {size} values are expected."
            )
        sizes = set(map(len, level))
        if sizes - {size}:
            raise ServingError.invalid(
                f"`{name}` is ragged: lists of {_listed(sizes)} values at level "
                f"{depth}. All must have the same length."
            )
        level = list(itertools.chain.from_iterable(level))
    if list in set(map(type, level)):
        raise ServingError.invalid(
            f"`{name}` is ragged: a list found at level {len(shape)}, where values "
            "are expected."
        )
    return level


def _array(leaves, dtype, name) -> np.ndarray:
    if dtype == tf.string:
        array = np.empty(len(leaves), object)
        array[:] = [_to_bytes(leaf, name) for leaf in leaves]
        return array
    if dtype.is_bool:
        return _numbers(leaves, {bool}, dtype, name)
    if dtype.is_integer and not dtype.is_quantized:
        return _numbers(leaves, {int}, dtype, name)
    if dtype.is_floating:
        return _floats(leaves, dtype, name)
    raise ServingError(
        grpc.StatusCode.UNIMPLEMENTED,
        f"JSON cannot represent {dtype.name}, the dtype of `{name}`. Use gRPC.",
    )


def _numbers(leaves, kinds, dtype, name) -> np.ndarray:
    if set(map(type, leaves)) - kinds:
        wrong = next(leaf for leaf in leaves if type(leaf) not in kinds)
        raise _type_error(wrong, dtype, name)
    try:
        return np.array(leaves, dtype.as_numpy_dtype)
    except OverflowError as error:
        raise ServingError.invalid(
            f"`{name}` has numbers that {dtype.name} cannot represent."
        ) from error


def _floats(leaves, dtype, name) -> np.ndarray:
    exact = _numbers(leaves, {int, float}, tf.float64, name)
    with np.errstate(over="ignore"):
        array = exact.astype(dtype.as_numpy_dtype)
    if not np.array_equal(np.isfinite(exact), np.isfinite(array.astype("float64"))):
        raise ServingError.invalid(
            f"`{name}` has numbers that {dtype.name} cannot represent."
        )
    return array


def _to_bytes(leaf, name) -> bytes:
    if isinstance(leaf, str):
        # JSON can contain lone surrogates, which UTF-8 cannot represent.
        try:
            return leaf.encode()
        except UnicodeEncodeError as error:
            raise ServingError.invalid(f"`{name}` is not text: {error}.") from error
    if not isinstance(leaf, dict):
        raise _type_error(leaf, tf.string, name)
    text = leaf.get("b64")
    if len(leaf) != 1 or not isinstance(text, str):
        raise ServingError.invalid(
            f"JSON Value: {_short(leaf)} of `{name}` not formatted correctly for "
            'base64 data: write {"b64": "..."}.'
        )
    text = "".join(text.split())
    try:
        # TF Serving accepts base64 without padding too.
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ServingError.invalid(
            f"Unable to base64 decode `{name}`: {error}."
        ) from error


def _type_error(value, dtype, name) -> ServingError:
    return ServingError.invalid(
        f"JSON Value: {_short(value)} of `{name}` Type: {_NAMES[type(value)]} is not "
        f"of expected type: {dtype.name}."
    )


def _short(value) -> str:
    # The first characters of an image are enough.
    text = json.dumps(value) if not isinstance(value, (list, dict)) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _listed(sizes) -> str:
    return " and ".join(map(str, sorted(sizes)[:4]))
