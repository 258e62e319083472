"""Models as files that servers and phones run."""

from __future__ import annotations

import importlib

# Imported when they are first used: what runs LiteRT files has no TensorFlow.
_PLACES = {
    "LiteRTCaptioner": "mmkeras.runtime",
    "LiteRTVisualQA": "mmkeras.runtime",
    "export_litert": "mmkeras.export.litert",
    "export_saved_model": "mmkeras.export.saved_model",
}

__all__ = list(_PLACES)


def __getattr__(name: str):
    if name in _PLACES:
        return getattr(importlib.import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'mmkeras.export' has no attribute {name!r}")
