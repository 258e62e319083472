import json

import numpy as np
import pytest

from mmkeras.pretrained import read_safetensors


def safetensors(header, body=b""):
    """A file: the length of the header in 8 bytes, the header, the numbers."""
    header = json.dumps(header).encode()
    return len(header).to_bytes(8, "little") + header + body


def test_by_hand(tmp_path):
    header = {
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "F32", "shape": [1, 2], "data_offsets": [4, 12]},
        "b": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]},
        "c": {"dtype": "I64", "shape": [], "data_offsets": [12, 20]},
    }
    # The upper halves of 1.0 = 0x3F800000 and -2.0 = 0xC0000000.
    body = b"\x80\x3f\x00\xc0" + np.float32([1.5, -3]).tobytes()
    path = tmp_path / "model.safetensors"
    path.write_bytes(safetensors(header, body + np.int64(7).tobytes()))
    tensors = read_safetensors(path)
    assert sorted(tensors) == ["a", "b", "c"]
    np.testing.assert_array_equal(tensors["a"], [[1.5, -3]])
    np.testing.assert_array_equal(tensors["b"], [1, -2])
    assert tensors["b"].dtype == np.float32
    assert tensors["c"] == 7 and tensors["c"].shape == ()


def header_of(dtype, end):
    return {"a": {"dtype": dtype, "shape": [1], "data_offsets": [0, end]}}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "model.safetensors is not a complete safetensors file"),
        (b"version https://git-lfs.github.com/spec/v1", "not a complete safetensors"),
        (safetensors([]), "not a complete safetensors file"),
        (safetensors(header_of("F32", 4)), "not a complete .*Download it again"),
        (safetensors(header_of("F8_E4M3", 1), b"a"), "'a' in .*the data type F8_E4M3"),
    ],
)
def test_unreadable_files(data, message, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message):
        read_safetensors(path)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="model.safetensors"):
        read_safetensors(tmp_path / "model.safetensors")
