"""Metrics: of captions and other predictions in NumPy, and of Keras for `compile`.

Only the latter import Keras, when they are first used.
"""

from __future__ import annotations

import importlib

from mmkeras.metrics.ptb_tokenizer import PTBTokenizer

_OF_KERAS = {
    "Perplexity": "perplexity",
}

__all__ = ["PTBTokenizer", *_OF_KERAS]


def __getattr__(name: str):
    if name in _OF_KERAS:
        module = importlib.import_module(f"mmkeras.metrics.{_OF_KERAS[name]}")
        return getattr(module, name)
    raise AttributeError(f"module 'mmkeras.metrics' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_OF_KERAS])
