"""Metrics: of captions and other predictions in NumPy, and of Keras for `compile`.

Only the latter import Keras, when they are first used.
"""

from __future__ import annotations

import importlib

from mmkeras.metrics.caption_references import CaptionReferences
from mmkeras.metrics.character_tokenizer import CharacterTokenizer
from mmkeras.metrics.evaluate_captions import evaluate_captions
from mmkeras.metrics.jieba_tokenizer import JiebaTokenizer
from mmkeras.metrics.ptb_tokenizer import PTBTokenizer

_OF_KERAS = {
    "Perplexity": "perplexity",
}

__all__ = [
    "CaptionReferences",
    "CharacterTokenizer",
    "JiebaTokenizer",
    "PTBTokenizer",
    "evaluate_captions",
    *_OF_KERAS,
]


def __getattr__(name: str):
    if name in _OF_KERAS:
        module = importlib.import_module(f"mmkeras.metrics.{_OF_KERAS[name]}")
        return getattr(module, name)
    raise AttributeError(f"module 'mmkeras.metrics' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_OF_KERAS])
