import grpc
import numpy as np
import pytest
import tensorflow as tf

from mmkeras.serving.serving_error import ServingError
from mmkeras.serving.tensor_from_json import tensor_from_json


@pytest.mark.parametrize(
    "value, dtype, shape",
    [
        (3, tf.int32, ()),
        ([1, 2], tf.uint8, (2,)),
        ([[1, 2.5]], tf.float32, (1, 2)),
        ([[True], [False]], tf.bool, (2, 1)),
        ([], tf.float32, (0,)),
        ([[], []], tf.float32, (2, 0)),
        ([2**53], tf.int64, (1,)),
        ([0.5], tf.float16, (1,)),
        ([0.5], tf.bfloat16, (1,)),
    ],
)
def test_numbers(value, dtype, shape):
    array = tensor_from_json(value, dtype, "x")
    assert tf.as_dtype(array.dtype) == dtype
    assert array.shape == shape
    np.testing.assert_array_equal(array.astype("float64"), np.array(value, "float64"))


def test_numbers_that_are_not_finite():
    array = tensor_from_json([float("nan"), float("inf")], tf.float32, "x")
    assert np.isnan(array[0]) and array[1] == np.inf


def test_strings():
    # "aGVs" is "hel", "bG8=" is "lo"; padding is optional, and lines can be broken.
    value = [["文", {"b64": "aGVs"}], [{"b64": "bG8"}, {"b64": "b\nG8=\n"}]]
    array = tensor_from_json(value, tf.string, "x")
    assert array.tolist() == [["文".encode(), b"hel"], [b"lo", b"lo"]]


def nested(depth):
    return [nested(depth - 1)] if depth else 1


def test_the_maximum_number_of_dimensions():
    assert tensor_from_json(nested(64), tf.int32, "x").shape == (1,) * 64


@pytest.mark.parametrize(
    "value, dtype, message",
    [
        ([[1], 2], tf.int32, "`x` is ragged: JSON Value: 2 found at level 1"),
        ([1, [2]], tf.int32, "`x` is ragged: a list found at level 1"),
        ([[1], [2, 3]], tf.int32, "lists of 1 and 2 values at level 1"),
        ([[[1]], [[]]], tf.int32, "lists of 0 and 1 values at level 2"),
        (["1"], tf.int32, '"1" of `x` Type: String .* int32'),
        ([True], tf.int32, "Type: Bool"),
        ([1], tf.bool, "Type: Number .* bool"),
        ([1.0], tf.int64, "Type: Number .* int64"),
        ([-1], tf.uint8, "uint8 cannot represent"),
        ([256], tf.uint8, "uint8 cannot represent"),
        ([10**400], tf.float32, "cannot represent"),
        ([1e39], tf.float32, "float32 cannot represent"),
        ([{"b64": "aGVs"}], tf.float32, "Type: Object"),
        ([1], tf.string, "Type: Number .* string"),
        ([{"b64": "a"}], tf.string, "Unable to base64 decode `x`"),
        ([{"b64": "é"}], tf.string, "Unable to base64 decode `x`"),
        ([{"b64": None}], tf.string, "not formatted correctly for base64"),
        ([{"b64": "aGVs", "c": 1}], tf.string, "not formatted correctly for base64"),
        (["\ud800"], tf.string, "`x` is not text"),
        (nested(65), tf.int32, "`x` has 65 or more nested lists"),
    ],
)
def test_values_that_do_not_match(value, dtype, message):
    with pytest.raises(ServingError, match=message) as caught:
        tensor_from_json(value, dtype, "x")
    assert caught.value.code == grpc.StatusCode.INVALID_ARGUMENT


def test_a_dtype_that_json_cannot_represent():
    with pytest.raises(ServingError, match="Use gRPC") as caught:
        tensor_from_json([1], tf.complex64, "x")
    assert caught.value.http_status == 501


def test_long_values_are_truncated_in_messages():
    with pytest.raises(ServingError) as caught:
        tensor_from_json(["y" * 10_000], tf.int32, "x")
    assert len(caught.value.message) < 200
