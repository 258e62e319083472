from __future__ import annotations

import json
import os
import pathlib

from mmkeras import __version__
from mmkeras.models.preset import (
    FORMAT,
    preset_format,
    read_json,
    require_folder,
    write_format,
)

# Files of format 1 that name the maximum number of tokens of a caption `max_length`.
_CONFIGS = ("config.json", "task.json")


def update_preset(folder: str | os.PathLike) -> bool:
    """Rewrites the configuration of a preset for this version of mmkeras.

    The weights are not changed.

    Args:
        folder: path of the preset.

    Returns:
        bool, whether anything had to be changed.

    Raises:
        FileNotFoundError: if the folder does not exist.
        ValueError: if it is not a preset, or of a newer format.
    """
    folder = pathlib.Path(folder)
    require_folder(folder)
    if not (folder / "task.json").is_file():
        raise ValueError(f"{folder} is not the preset of a task: it has no task.json.")
    found = preset_format(folder)
    if found == FORMAT:
        return False
    if found > FORMAT:
        raise ValueError(
            f"The preset {folder} has the newer format {found}. Update mmkeras: pip "
            "install --upgrade mmkeras"
        )
    for name in _CONFIGS:
        config = _updated(read_json(folder / name))
        text = json.dumps(config, indent=4)
        (folder / name).write_text(text, "utf-8")
    write_format(folder, __version__)
    return True


def _updated(value):
    if isinstance(value, list):
        return [_updated(item) for item in value]
    if not isinstance(value, dict):
        return value
    value = {key: _updated(item) for key, item in value.items()}
    if value.get("class_name") == "ImageCaptionerBackbone":
        config = value["config"]
        if "max_length" in config:
            config["sequence_length"] = config.pop("max_length")
        # Presets without word attention do not say so.
        config.setdefault("word_attention", False)
        config.setdefault("word_context", False)
    return value
