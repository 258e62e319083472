from __future__ import annotations

import json
import os
import pathlib
import zipfile
import zlib

import numpy as np

from mmkeras.runtime.read_image import read_image

DESCRIPTION = "mmkeras.json"
VOCABULARY = "vocab.txt"
ANSWERS = "answers.txt"
# Of the description; another number is another meaning.
FORMAT = 1
_TEXTS = (".json", ".txt")


class LiteRTFile:
    """A LiteRT file that mmkeras wrote: a model and what is to be known of it.

    A zip archive is appended to the model, which any unzip program opens, and which
    the LiteRT runtime does not see.

    Args:
        path: path of the file.
        num_threads: int, threads of the runtime.

    Attributes:
        description: dict, the archive's `mmkeras.json`: `task`, `precision`, `image`,
            `tokens`, `signatures`, ...

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if `ai-edge-litert` is not installed.
        ValueError: if mmkeras did not write the file, or it is damaged.
    """

    def __init__(self, path: str | os.PathLike, num_threads: int = 1):
        if not isinstance(num_threads, int) or num_threads < 1:
            raise ValueError(
                "`num_threads` must be an integer of at least 1. Received: "
                f"num_threads={num_threads!r}."
            )
        path = pathlib.Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"There is no LiteRT file {path}.")
        self._path = path
        self._texts = _read_archive(path)
        self.description = _described(path, self._texts[DESCRIPTION])
        try:
            self._interpreter = _interpreter_class()(
                model_path=os.fspath(path), num_threads=num_threads
            )
        except ValueError as error:
            raise ValueError(
                f"{path} is damaged: {error}. Copy it again, or export it anew."
            ) from error
        self._runners = {}

    def require_task(self, *tasks: str) -> None:
        """Refuses a file of another task."""
        held = self.description["task"]
        if held not in tasks:
            runner, command = (
                ("LiteRTCaptioner", "caption")
                if held == "ImageCaptioner"
                else ("LiteRTVisualQA", "ask")
            )
            raise ValueError(
                f"{self._path} holds the task {held}, not {' or '.join(tasks)}. Load "
                f"it with {runner}, or try: mmkeras {command}"
            )

    def lines(self, name: str) -> list[str]:
        """The lines of a text of the archive, e.g. `"vocab.txt"`."""
        return self._texts[name].removesuffix("\n").split("\n")

    def has_signature(self, name: str) -> bool:
        """Whether the model has a signature."""
        return name in self.description["signatures"]

    def pixels(self, image) -> np.ndarray:
        """A picture, as `read_image` takes it, as the model does."""
        form = self.description["image"]
        return read_image(image, form["height"], form["width"], form["crop"])

    def run(self, signature: str, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Runs a signature.

        Args:
            signature: string, its name.
            **inputs: arrays by the names, and of the dtypes and shapes, that
                `description["signatures"]` says.

        Returns:
            dict of arrays by name.
        """
        if signature not in self._runners:
            self._runners[signature] = self._interpreter.get_signature_runner(signature)
        return self._runners[signature](**inputs)


def _read_archive(path) -> dict[str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(_TEXTS)]
            texts = {name: archive.read(name).decode("utf-8") for name in names}
    except (zipfile.BadZipFile, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} was not written by mmkeras, or it is damaged: what is appended to "
            f"it cannot be read ({error}). Export the model with mmkeras, or copy the "
            "file again."
        ) from error
    if DESCRIPTION not in texts:
        raise ValueError(f"{path} was not written by mmkeras: no {DESCRIPTION} in it.")
    return texts


def _described(path, text) -> dict:
    try:
        description = json.loads(text)
    except ValueError as error:
        raise ValueError(
            f"{path} is damaged: its {DESCRIPTION} is no JSON ({error}). Copy it again."
        ) from error
    if description.get("format") != FORMAT:
        raise ValueError(
            f"{path} has the format {description.get('format')!r}, this version reads "
            f"{FORMAT}. Update mmkeras, or export the model anew."
        )
    return description


def _interpreter_class():
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ImportError(
            "LiteRT files are run by ai-edge-litert: pip install ai-edge-litert"
        ) from error
    return Interpreter
