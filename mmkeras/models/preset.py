"""Presets: folders with the configuration, the weights and the assets of a task."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterable

from mmkeras.models.registry import built_in_specs, spec_of_class, task_specs

# Of the files of a preset; presets of other formats are updated or refused.
FORMAT = 2
_FORMAT_FILE = "mmkeras.json"
_FILES = ("config.json", "task.json", "preprocessor.json", "model.weights.h5")


def task_of_preset(folder: pathlib.Path) -> type:
    """The class of the task that a preset holds.

    It is looked for among the tasks of mmkeras, those of plugins, and those of
    KerasHub, in this order.

    Args:
        folder: path of the preset.

    Returns:
        A subclass of `mmkeras.models.Task`, or of `keras_hub.models.Task`.

    Raises:
        FileNotFoundError: if the folder does not exist.
        ValueError: if it is not the preset of a known task; the message says what was
            looked for.
    """
    require_folder(folder)
    config = read_json(folder / "task.json") if (folder / "task.json").is_file() else {}
    name = config.get("class_name")
    spec = None if name is None else spec_of_class(name)
    if spec is not None:
        return spec.load_task()
    if str(config.get("registered_name")).startswith("keras_hub>"):
        import keras
        import keras_hub  # noqa: F401

        return keras.saving.get_registered_object(config["registered_name"])
    raise ValueError(_unknown_preset(folder, config))


def _unknown_preset(folder, config) -> str:
    built_in = built_in_specs()
    ours = ", ".join(spec.class_name for spec in built_in)
    plugins = [spec for spec in task_specs().values() if spec not in built_in]
    listed = ", ".join(spec.class_name for spec in plugins) or "none is installed"
    held = config.get("class_name")
    found = f"task.json holds {held}" if held else "there is no task.json"
    if (folder / "config.json").is_file():
        model_type = read_json(folder / "config.json").get("model_type")
        found += f", config.json is of a {model_type} model" if model_type else ""
    return (
        f"{folder} is not a preset that can be loaded: {found}. It was compared with "
        f"the tasks of mmkeras ({ours}), of plugins ({listed}) and of KerasHub "
        "(task.json of keras_hub). Give a folder that `save_to_preset()` or `mmkeras "
        "train` wrote, or install the plugin it belongs to."
    )


def check_preset(folder: pathlib.Path, task: type, assets: Iterable[str]) -> None:
    """Checks the files of a preset before they are loaded.

    Args:
        folder: path of the preset.
        task: the class that is to load it.
        assets: files that it must have besides those of all presets.

    Raises:
        FileNotFoundError: if the folder or one of its files does not exist.
        ValueError: if a file is not valid JSON, or the preset is of another format or
            of another task.
    """
    require_folder(folder)
    for name in (*_FILES, *assets):
        path = folder / name
        if not path.is_file():
            raise FileNotFoundError(
                f"The preset {folder} has no file {name}. Copy the whole folder "
                "again, or train it again."
            )
        config = read_json(path) if path.suffix == ".json" else {}
        if name == "task.json":
            _check_task(folder, config.get("class_name"), task.__name__)
    _check_format(folder)


def require_folder(folder: pathlib.Path) -> None:
    """Checks that a preset exists.

    Raises:
        FileNotFoundError: if it does not.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f"The preset folder {folder} does not exist. Give a folder that "
            "`save_to_preset()` or `mmkeras train` wrote."
        )


def read_json(path: pathlib.Path) -> dict:
    """Reads a JSON file of a preset.

    Raises:
        ValueError: if it is not valid JSON.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path} is not valid JSON ({error}). Copy the preset again."
        ) from error


def write_format(folder: pathlib.Path, version: str) -> None:
    """Records the format of a preset.

    Args:
        folder: path of the preset.
        version: string, the version of mmkeras.
    """
    text = json.dumps({"format": FORMAT, "mmkeras": version}, indent=4) + "\n"
    (folder / _FORMAT_FILE).write_text(text, "utf-8")


def preset_format(folder: pathlib.Path) -> int:
    """The format of a preset; 1 if it records none."""
    path = folder / _FORMAT_FILE
    return read_json(path).get("format", 1) if path.is_file() else 1


def _check_format(folder) -> None:
    found = preset_format(folder)
    if found < FORMAT:
        raise ValueError(
            f"The preset {folder} has format {found}, this version of mmkeras reads "
            f"format {FORMAT}. Update it: mmkeras update {folder}"
        )
    if found > FORMAT:
        raise ValueError(
            f"The preset {folder} has format {found}, this version of mmkeras reads "
            f"format {FORMAT}. Update mmkeras: pip install --upgrade mmkeras"
        )


def _check_task(folder, held, wanted) -> None:
    if held == wanted:
        return
    spec = None if held is None else spec_of_class(held)
    remedy = ""
    if spec is not None:
        remedy = (
            f" Load it with {held}.from_preset or Task.from_preset, or try: "
            f"{spec.example(str(folder))}"
        )
    raise ValueError(
        f"The preset {folder} holds the task {held}, not {wanted}.{remedy}"
    )
