from __future__ import annotations

import os
import pathlib
from typing import Any

_SUFFIXES = {".h5", ".hdf5", ".hdf", ".keras"}


def is_model_path(value: Any) -> bool:
    """Whether a value is the path of a saved model rather than a name."""
    if isinstance(value, os.PathLike):
        return True
    if not isinstance(value, str):
        return False
    path = pathlib.Path(value)
    return path.suffix.lower() in _SUFFIXES or len(path.parts) > 1 or path.exists()
