from __future__ import annotations

import argparse
import json
import pathlib

from mmkeras.cli.preset_spec import preset_spec
from mmkeras.models.preset import preset_format, read_json


def add_parser(
    commands: argparse._SubParsersAction, common: argparse.ArgumentParser
) -> None:
    """Add the command.

    Args:
        commands: the subparsers of `mmkeras`.
        common: parser of the flags that all commands share.
    """
    parser = commands.add_parser("info", parents=[common], help="describe a preset")
    parser.add_argument("preset", help="folder of a preset")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command.

    Args:
        args: the parsed command line.

    Returns:
        The exit code.
    """
    folder = pathlib.Path(args.preset)
    spec = preset_spec(args.preset)
    rows = {"task": f"{spec.class_name}: {spec.summary}", **_rows(folder)}
    width = max(map(len, rows))
    for name, value in rows.items():
        print(f"{name:{width}}  {value}")
    print("files")
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        print(f"  {path.stat().st_size:>12,}  {path.relative_to(folder)}")
    print(f"try: {spec.example(args.preset)}")
    return 0


def _rows(folder) -> dict[str, str]:
    metadata = _optional(folder / "metadata.json")
    return {
        **_settings(_optional(folder / "config.json").get("config", {})),
        "parameters": f"{metadata.get('parameter_count', 'unknown')}",
        "saved with": f"keras {metadata.get('keras_version', 'unknown')}",
        "format": str(preset_format(folder)),
        "served": ", ".join(_served(folder)) or "not exported",
    }


def _settings(config) -> dict[str, str]:
    """The backbone's settings, and the classes of its layers."""
    rows = {}
    for name, value in config.items():
        if isinstance(value, dict) and "class_name" in value:
            rows[_words(name)] = _layer(value)
        elif isinstance(value, (int, float, str)) and name not in ("name", "trainable"):
            rows[_words(name)] = json.dumps(value)
    rows.pop("dtype", None)
    return rows


def _layer(value) -> str:
    config = value.get("config") or {}
    model = config.get("model")
    name = value["class_name"]
    if isinstance(model, dict):
        name = f"{name} of {model['config'].get('name', model['class_name'])}"
    if config.get("frozen_layers"):
        return f"{name}, partly frozen"
    return name if config.get("trainable", True) else f"{name}, frozen"


def _words(name) -> str:
    return name.replace("_", " ")


def _optional(path) -> dict:
    return read_json(path) if path.is_file() else {}


def _served(folder) -> list[str]:
    paths = sorted(folder.glob("serving/*/saved_model.pb"))
    return [str(path.parent.relative_to(folder)) for path in paths]
