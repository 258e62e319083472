from __future__ import annotations

import os
import pathlib
import re
import shutil
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from mmkeras.export.write_serving_config import write_serving_config
from mmkeras.export.write_warmup_requests import write_warmup_requests

if TYPE_CHECKING:
    from mmkeras.models import Task

_FILES = {"saved_model.pb", "fingerprint.pb", "variables", "assets", "assets.extra"}


def export_saved_model(
    task: Task,
    path: str | os.PathLike,
    overwrite: bool = False,
    serving_config: bool | str = False,
    **options: Any,
) -> None:
    """Writes a task as a SavedModel: image bytes and strings in, strings out.

    The signatures are those of `task.signatures`. They take `image_bytes`, string
    `[batch]` (TF Serving's REST API decodes base64 for names with this suffix), and
    each row fails alone: a row whose image is unreadable has empty outputs and the
    reason in `error`.

    The SavedModel needs `tensorflow` to load, and `tensorflow_text` if it tokenizes
    text, which TF Serving includes. In a folder named by a version number it has
    warm-up requests (`write_warmup_requests`).

    Args:
        task: a task of `mmkeras.models`.
        path: folder to write; for TF Serving named by a version number, e.g.
            `"export/captioner/1"`.
        overwrite: bool, whether to replace the SavedModel in the folder. A server that
            serves this version keeps the one in memory: write to a new number, or
            restart the server.
        serving_config: bool, whether to write `models.config` and `batching.config`
            beside the version, for a server that sees the model at `/models/NAME`;
            or a string, the path at which it sees the model
            (`write_serving_config`).
        **options: options of `task.signatures`.

    Raises:
        TypeError: if an option is unknown.
        FileExistsError: if the folder has files and `overwrite` is `False`, or they
            are not those of a SavedModel.
        ValueError: if an option is out of range, or `serving_config` is given for a
            folder that is not named by a version number.
    """
    path = pathlib.Path(path)
    _check_folder(path, overwrite)
    model = _served_name(path)
    if serving_config and not model:
        raise ValueError(
            "TF Serving serves folders that are named by a version number. Received: "
            f"serving_config={serving_config!r}, path={os.fspath(path)!r}."
        )
    signatures = task.signatures(**options)
    # The endpoints bring the weights that they use. Tracking the backbone too
    # would write all weights a second time.
    archive = keras.export.ExportArchive()
    for name, (function, inputs) in signatures.items():
        # Traced here, or the archive would compile them with autograph, which
        # rewrites the loops of decoding.
        traced = tf.function(function, input_signature=inputs, autograph=False)
        archive.add_endpoint(name, traced)
    # Written beside it first, so that the old one is there until the new one is.
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        archive.write_out(os.fspath(partial), verbose=False)
        if model:
            inputs = {name: specs for name, (_, specs) in signatures.items()}
            write_warmup_requests(partial, model, inputs)
        if serving_config:
            base_path = serving_config if isinstance(serving_config, str) else None
            write_serving_config(path.parent, base_path, overwrite)
        _put(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _put(partial: pathlib.Path, path: pathlib.Path) -> None:
    if not path.is_dir():
        partial.rename(path)
        return
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    path.rename(old)
    try:
        partial.rename(path)
    except BaseException:
        old.rename(path)
        raise
    # The new one is there, whether or not all of the old one goes.
    shutil.rmtree(old, ignore_errors=True)


def _served_name(path: pathlib.Path) -> str:
    """The name of the model, `""` if the folder is no version of one."""
    path = path.resolve()
    return path.parent.name if re.fullmatch("[1-9][0-9]*", path.name) else ""


def _check_folder(path: pathlib.Path, overwrite: bool) -> None:
    if path.is_file() or path.is_symlink():
        raise FileExistsError(f"{path} is a file or a link. Choose another folder.")
    if not path.is_dir() or not any(path.iterdir()):
        return
    if not overwrite:
        raise FileExistsError(
            f"{path} is not empty. Choose another folder, or pass overwrite=True."
        )
    others = sorted({item.name for item in path.iterdir()} - _FILES)
    if others:
        raise FileExistsError(
            f"{path} holds other files than a SavedModel, which are not overwritten: "
            f"{', '.join(others[:3])}. Choose another folder."
        )
