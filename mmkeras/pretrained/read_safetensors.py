from __future__ import annotations

import json
import os
import pathlib

import numpy as np

# Largest header of the format, in bytes.
_MAX_HEADER = 100_000_000
_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "?",
}


def read_safetensors(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Reads the tensors of a safetensors file.

    The file is the length of a header, 8 bytes, a header in JSON that says where
    each tensor lies, and the tensors. Nothing in it is run.

    Args:
        path: path of a `.safetensors` file.

    Returns:
        A dict of NumPy arrays by name; bfloat16 is read as float32.

    Raises:
        ValueError: if the file is not of this format or truncated, or holds a
            type of number that NumPy has not.

    Reference:
        - [safetensors](https://github.com/huggingface/safetensors#format)
    """
    data = pathlib.Path(path).read_bytes()
    length = int.from_bytes(data[:8], "little")
    try:
        if length > _MAX_HEADER:
            raise ValueError(f"a header of {length} bytes")
        header = json.loads(data[8 : 8 + length])
        if not isinstance(header, dict):
            raise ValueError("its header is no object")
    except ValueError as error:
        raise ValueError(f"{path} is not a safetensors file: {error}.") from error
    header.pop("__metadata__", None)
    body = memoryview(data)[8 + length :]
    return {name: _tensor(path, name, body, **header[name]) for name in header}


def _tensor(path, name, body, dtype, shape, data_offsets) -> np.ndarray:
    begin, end = data_offsets
    if end > len(body):
        raise ValueError(f"{path} is truncated: it ends within {name!r}. Get it again.")
    if dtype == "BF16":
        # The upper half of a float32.
        bits = np.frombuffer(body[begin:end], "<u2").astype("<u4") << 16
        return bits.view("<f4").reshape(shape)
    if dtype not in _DTYPES:
        raise ValueError(f"{name!r} in {path} is of {dtype}, which is not read.")
    return np.frombuffer(body[begin:end], _DTYPES[dtype]).reshape(shape)
