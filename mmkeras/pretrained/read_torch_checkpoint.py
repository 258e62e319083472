from __future__ import annotations

import collections
import os
import pathlib
import pickle
from typing import Any, BinaryIO

import numpy as np

_MAGIC = 0x1950A86A20F9469CFC6C
_STORAGES = {
    "FloatStorage": np.float32,
    "DoubleStorage": np.float64,
    "HalfStorage": np.float16,
    "LongStorage": np.int64,
    "IntStorage": np.int32,
}


def read_torch_checkpoint(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Reads the tensors of a legacy PyTorch checkpoint, without PyTorch.

    A checkpoint is a pickle, which can execute arbitrary code when it is loaded. Here
    only tensors, their storages and ordered dicts are created; a file that refers to
    anything else is refused.

    Args:
        path: path of a `.pth` file in the format used before PyTorch 1.6.

    Returns:
        dict from names to NumPy arrays.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file refers to anything but tensors, is truncated, or has
            another format.
    """
    path = pathlib.Path(path)
    try:
        with path.open("rb") as file:
            return _read(file)
    except pickle.UnpicklingError as error:
        raise ValueError(f"{path} is not a safe legacy checkpoint: {error}") from error
    except (EOFError, IndexError) as error:
        raise ValueError(f"{path} is truncated. Reinstall its package.") from error


def _read(file: BinaryIO) -> dict[str, np.ndarray]:
    if _Unpickler(file, {}).load() != _MAGIC:
        raise pickle.UnpicklingError("it does not start with its magic number")
    for _ in ("protocol version", "byte order"):
        _Unpickler(file, {}).load()
    storages: dict[str, np.ndarray] = {}
    tensors = _Unpickler(file, storages).load()
    for key in _Unpickler(file, {}).load():
        _fill(file, storages[key])
    return {name: tensor() for name, tensor in tensors.items()}


def _fill(file: BinaryIO, storage: np.ndarray) -> None:
    count = int.from_bytes(file.read(8), "little")
    data = file.read(storage.nbytes)
    if count != storage.size or len(data) != storage.nbytes:
        raise EOFError
    storage[:] = np.frombuffer(data, storage.dtype)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: BinaryIO, storages: dict[str, np.ndarray]):
        super().__init__(file)
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        raise pickle.UnpicklingError(f"it refers to {module}.{name}")

    def persistent_load(self, reference: Any) -> np.ndarray:
        kind, dtype, key, _, size, *_ = reference
        if kind != "storage":
            raise pickle.UnpicklingError(f"it refers to a {kind}")
        if key not in self._storages:
            self._storages[key] = np.zeros(size, dtype)
        return self._storages[key]


def _tensor(storage, offset, shape, strides, *_):
    # The values follow the pickle in the file, so tensors are created later.
    def make() -> np.ndarray:
        steps = [stride * storage.itemsize for stride in strides]
        view = np.lib.stride_tricks.as_strided(storage[offset:], shape, steps)
        if view.size and offset + sum(
            (n - 1) * s for n, s in zip(shape, strides, strict=True)
        ) >= len(storage):
            raise pickle.UnpicklingError("a tensor reaches beyond its storage")
        return view.copy()

    return make
