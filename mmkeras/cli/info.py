from __future__ import annotations

import json
import pathlib


def add_parser(commands, common) -> None:
    parser = commands.add_parser("info", parents=[common], help="what a preset is")
    parser.add_argument("preset", help="folder of a preset")
    parser.set_defaults(run=run)


def run(args) -> int:
    folder = pathlib.Path(args.preset)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no preset folder {folder}.")
    try:
        rows = _rows(folder)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{folder} is not the preset of a task of mmkeras: its configuration has "
            f"no {error}."
        ) from error
    width = max(map(len, rows))
    for name, value in rows.items():
        print(f"{name:{width}}  {value}")
    print("files")
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        print(f"  {path.stat().st_size:>12,}  {path.relative_to(folder)}")
    return 0


def _rows(folder) -> dict:
    task = _read_json(folder, "task.json")
    backbone = _read_json(folder, "config.json")["config"]
    encoder = backbone["image_encoder"]["config"]
    metadata = _read_json(folder, "metadata.json")
    return {
        "task": task["class_name"],
        "image encoder": encoder["model"]["config"]["name"],
        "encoder trainable": "partly"
        if encoder.get("frozen_layers")
        else encoder["trainable"],
        **_texts(task["class_name"], backbone),
        "hidden dimension": backbone["hidden_dim"],
        "parameters": metadata.get("parameter_count", "unknown"),
        "saved with": f"keras {metadata.get('keras_version', 'unknown')}",
        "served": ", ".join(_served(folder)) or "not exported",
    }


def _texts(task, backbone) -> dict:
    if task == "ImageCaptioner":
        return {
            "vocabulary": backbone["vocabulary_size"],
            "longest caption": backbone["max_length"],
        }
    return {
        "text encoder": backbone["text_encoder"]["class_name"],
        "fusion": backbone["fusion"]["class_name"],
        "answers": backbone.get("num_answers", "written"),
        "longest question": backbone["sequence_length"],
    }


def _read_json(folder, name) -> dict:
    path = folder / name
    if not path.is_file():
        raise FileNotFoundError(f"{folder} is not a preset: it has no file {name}.")
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not whole JSON: {error}.") from error


def _served(folder) -> list[str]:
    found = sorted(folder.glob("serving/*/saved_model.pb"))
    return [str(path.parent.relative_to(folder)) for path in found]
