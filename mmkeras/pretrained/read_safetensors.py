from __future__ import annotations

import os

import numpy as np
import safetensors


def read_safetensors(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Reads the tensors of a safetensors file.

    The format holds numbers only: nothing in the file is executed.

    Args:
        path: path of a `.safetensors` file.

    Returns:
        dict from names to NumPy arrays; bfloat16 becomes float32.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not a complete safetensors file, or holds a data
            type that NumPy lacks.

    Reference:
        - [safetensors](https://github.com/huggingface/safetensors#format)
    """
    with open(path, "rb") as file:
        content = file.read()
    try:
        tensors = safetensors.deserialize(content)
    except safetensors.SafetensorError as error:
        raise ValueError(
            f"{path} is not a complete safetensors file: {error}. Download it again."
        ) from error
    return {name: _array(path, name, **tensor) for name, tensor in tensors}


def _array(path, name, dtype, shape, data) -> np.ndarray:
    if dtype == "BF16":
        # The upper half of a float32.
        bits = np.frombuffer(data, "<u2").astype("<u4") << 16
        return bits.view("<f4").reshape(shape)
    if dtype not in _DTYPES:
        raise ValueError(
            f"The tensor {name!r} in {path} has the data type {dtype}, which is not "
            f"supported. Convert it to one of {', '.join(_DTYPES)}."
        )
    return np.frombuffer(data, _DTYPES[dtype]).reshape(shape)


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
