from __future__ import annotations

import json
import pathlib
import zipfile

from mmkeras.models import spec_of_class
from mmkeras.models.preset import read_json, require_folder
from mmkeras.models.registry import task_specs
from mmkeras.models.task_spec import TaskSpec


def preset_spec(path: str) -> TaskSpec:
    """Return the task of a preset or of a LiteRT file, without importing TensorFlow.

    Args:
        path: folder of a preset, or a `.tflite` file.

    Raises:
        FileNotFoundError: if the preset does not exist.
        ValueError: if its task is unknown.
    """
    if is_litert(path):
        held = _litert_task(path)
    else:
        folder = pathlib.Path(path)
        require_folder(folder)
        file = folder / "task.json"
        held = read_json(file).get("class_name") if file.is_file() else None
    spec = None if held is None else spec_of_class(held)
    if spec is None:
        known = ", ".join(spec.class_name for spec in task_specs().values())
        what = f"holds the unknown task {held}" if held else "is not a preset"
        raise ValueError(
            f"{path} {what}. The known tasks are {known}. Give the folder of a preset, "
            "or install the plugin that it belongs to."
        )
    return spec


def is_litert(path: str) -> bool:
    """Return whether a path names a LiteRT file."""
    return path.endswith(".tflite")


def _litert_task(path) -> str | None:
    if not pathlib.Path(path).is_file():
        raise FileNotFoundError(f"The LiteRT file {path} does not exist.")
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("mmkeras.json")).get("task")
    except (zipfile.BadZipFile, KeyError, ValueError):
        return None
