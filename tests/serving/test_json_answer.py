import json

import numpy as np
import pytest

from mmkeras.serving.json_answer import json_answer
from mmkeras.serving.serving_error import ServingError


def answer(by_row, **outputs):
    outputs = {name: np.array(value) for name, value in outputs.items()}
    return json.loads(json_answer(outputs, by_row))


def strings(*values):
    return np.array(values, object)


def test_digits_are_those_of_the_dtype():
    assert json_answer({"x": np.array([0.1, 2], "float32")}, True) == (
        b'{"predictions": [0.1, 2.0]}'
    )


def test_bytes_and_texts():
    # "aGVs" is "hel".
    assert answer(True, text=strings("文".encode()), image_bytes=strings(b"hel")) == {
        "predictions": [{"text": "文", "image_bytes": {"b64": "aGVs"}}]
    }
    with pytest.raises(ServingError, match="The output `text` is not UTF-8") as caught:
        answer(True, text=strings(b"\xff"))
    assert caught.value.http_status == 500


def test_columns():
    assert answer(False, a=[1, 2], b=[[True]]) == {
        "outputs": {"a": [1, 2], "b": [[True]]}
    }
    assert answer(False, a=np.float32(0.5)) == {"outputs": 0.5}


@pytest.mark.parametrize("outputs", [{"a": 1}, {"a": [1], "b": [1, 2]}])
def test_rows_without_a_common_number(outputs):
    with pytest.raises(ServingError, match="'inputs' in place of 'instances'"):
        answer(True, **outputs)
