from __future__ import annotations

import os

from mmkeras.export.litert import export_litert
from mmkeras.export.saved_model import export_saved_model

_FORMATS = {"litert": export_litert, "saved_model": export_saved_model}


def export_task(task, path: str | os.PathLike, format: str, **kwargs):
    """Writes a task for serving; `Task.export` calls this.

    Args:
        task: a task of `mmkeras.models`.
        path: folder or file to write.
        format: string, `"saved_model"` or `"litert"`.
        **kwargs: options of the format.

    Returns:
        What `export_saved_model` or `export_litert` returns.

    Raises:
        ValueError: if the format is not known.
    """
    if format not in _FORMATS:
        raise ValueError(
            f"`format` must be one of {sorted(_FORMATS)}. Received: format={format!r}."
        )
    return _FORMATS[format](task, path, **kwargs)
