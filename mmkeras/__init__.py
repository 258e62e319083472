"""From a folder of pictures with text to a model that captions them."""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

_ROOMS = (
    "data",
    "datasets",
    "decoding",
    "export",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "preprocessing",
    "runtime",
    "serving",
    "training",
)


def __getattr__(name: str):
    # Rooms are imported when they are first used, so that `import mmkeras` and
    # `mmkeras --help` do not wait for TensorFlow.
    if name in _ROOMS:
        return importlib.import_module(f"mmkeras.{name}")
    raise AttributeError(f"module 'mmkeras' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_ROOMS])
