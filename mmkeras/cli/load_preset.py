from __future__ import annotations

import json
import pathlib


def preset_task(folder: str) -> str:
    """The name of the task that a preset holds, or `"ImageCaptioner"` if none is said.

    What is wrong with a folder is left to `from_preset` to say.

    Args:
        folder: path of a preset.
    """
    try:
        config = json.loads((pathlib.Path(folder) / "task.json").read_text("utf-8"))
    except (OSError, ValueError):
        return "ImageCaptioner"
    return config.get("class_name", "ImageCaptioner")


def load_preset(folder: str, adapters: str | None = None):
    """The task of a preset, whichever it is.

    Args:
        folder: path of a preset.
        adapters: path of what `save_lora` wrote, or `None`.
    """
    from mmkeras import models

    kinds = {
        "GenerativeVisualQA": models.GenerativeVisualQA,
        "VisualQA": models.VisualQA,
    }
    task = kinds.get(preset_task(folder), models.ImageCaptioner).from_preset(folder)
    if adapters:
        task.load_lora(adapters)
    return task
