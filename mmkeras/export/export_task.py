from __future__ import annotations

import os

from mmkeras.export.saved_model import export_saved_model

_FORMATS = {"saved_model": export_saved_model}


def export_task(task, path: str | os.PathLike, format: str, **kwargs) -> None:
    """Writes a task for serving; `Task.export` calls this.

    Args:
        task: a task of `mmkeras.models`.
        path: folder to write.
        format: string, `"saved_model"`.
        **kwargs: options of the format.

    Raises:
        ValueError: if the format is not known.
    """
    if format not in _FORMATS:
        raise ValueError(
            f"`format` must be one of {sorted(_FORMATS)}. Received: format={format!r}."
        )
    _FORMATS[format](task, path, **kwargs)
