from __future__ import annotations

import json
import os
import pathlib
import zipfile
import zlib

import numpy as np

from mmkeras.arguments import whole_number
from mmkeras.runtime.read_image import read_image

DESCRIPTION = "mmkeras.json"
VOCABULARY = "vocab.txt"
ANSWERS = "answers.txt"
# The version of the description and the signatures.
FORMAT = 1
_TEXTS = (".json", ".txt")
_RUNNERS = {
    "ImageCaptioner": "LiteRTCaptioner",
    "VisualQA": "LiteRTVisualQA",
    "GenerativeVisualQA": "LiteRTVisualQA",
}


class LiteRTFile:
    """A LiteRT file exported by mmkeras: a model with its description and vocabulary.

    A zip archive is appended to the model. Any unzip program opens it, and the LiteRT
    runtime ignores it. The runners of tasks, such as `LiteRTCaptioner`, build on this
    class.

    Args:
        path: path of the file.
        num_threads: int, number of threads of the runtime.

    Attributes:
        description: dict, the contents of the archive's `mmkeras.json`: `format`,
            `task`, `precision`, `image`, `tokens`, `signatures`, ...

    Raises:
        FileNotFoundError: if the file does not exist.
        ImportError: if `ai-edge-litert` is not installed.
        ValueError: if the file was not written by mmkeras, is corrupted, or has
            another format than this version reads.

    Example:
        ```python
        file = mmkeras.runtime.LiteRTFile("captioner.tflite")
        file.require_task("ImageCaptioner")
        outputs = file.run("caption", image=file.pixels("photo.jpg"))
        ```
    """

    def __init__(self, path: str | os.PathLike, num_threads: int = 1):
        num_threads = whole_number("num_threads", num_threads, minimum=1)
        path = pathlib.Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"LiteRT file {path} does not exist.")
        self._path = path
        self._texts = _read_archive(path)
        self.description = _read_description(path, self._texts[DESCRIPTION])
        try:
            self._interpreter = _interpreter_class()(
                model_path=os.fspath(path), num_threads=num_threads
            )
        except ValueError as error:
            raise ValueError(
                f"{path} is corrupted: {error}. Copy it again, or {_export_again(path)}"
            ) from error
        self._signatures = {}

    def require_task(self, *tasks: str) -> None:
        """Refuses the file of another task.

        Args:
            *tasks: strings, the names of the accepted tasks, e.g. `"ImageCaptioner"`.

        Raises:
            ValueError: if the file is of another task.
        """
        task = self.description["task"]
        if task in tasks:
            return
        remedy = f"Load it with {_RUNNERS[task]}, or run" if task in _RUNNERS else "Run"
        raise ValueError(
            f"{self._path} is a file of the task {task}, not {' or '.join(tasks)}. "
            f"{remedy}: mmkeras predict {self._path}"
        )

    def lines(self, name: str) -> list[str]:
        """Reads a text file of the archive.

        Args:
            name: string, the name of the file, e.g. `"vocab.txt"`.

        Returns:
            list of strings, its lines.
        """
        return self._texts[name].removesuffix("\n").split("\n")

    def has_signature(self, name: str) -> bool:
        """Whether the model has a signature."""
        return name in self.description["signatures"]

    def pixels(self, image: str | os.PathLike | bytes | np.ndarray) -> np.ndarray:
        """Reads an image at the size of the model.

        Args:
            image: a path, encoded bytes, or a uint8 array `[height, width, 3]`.

        Returns:
            uint8 `[1, height, width, 3]`.

        Raises:
            FileNotFoundError: if the image file does not exist.
            ValueError: if the image cannot be read.
        """
        form = self.description["image"]
        return read_image(image, form["height"], form["width"], form["crop"])

    def run(self, signature: str, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Runs a signature.

        Args:
            signature: string, its name.
            **inputs: arrays with the names, dtypes and shapes in
                `description["signatures"]`.

        Returns:
            dict of arrays by name.
        """
        if signature not in self._signatures:
            self._signatures[signature] = self._interpreter.get_signature_runner(
                signature
            )
        return self._signatures[signature](**inputs)


def _read_archive(path) -> dict[str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(_TEXTS)]
            texts = {name: archive.read(name).decode("utf-8") for name in names}
    except (zipfile.BadZipFile, zlib.error, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} was not written by mmkeras, or is corrupted: the archive appended "
            f"to it cannot be read ({error}). Copy it again, or {_export_again(path)}"
        ) from error
    if DESCRIPTION not in texts:
        raise ValueError(
            f"{path} was not written by mmkeras: it has no {DESCRIPTION}. Write a file "
            "with: mmkeras export PRESET --to FILE.tflite"
        )
    return texts


def _read_description(path, text) -> dict:
    try:
        description = json.loads(text)
    except ValueError as error:
        raise ValueError(
            f"{path} is corrupted: its {DESCRIPTION} is not valid JSON ({error}). Copy "
            f"it again, or {_export_again(path)}"
        ) from error
    found = description.get("format")
    if found == FORMAT:
        return description
    if isinstance(found, int) and found > FORMAT:
        remedy = "update mmkeras: pip install --upgrade mmkeras"
    else:
        remedy = _export_again(path)
    raise ValueError(
        f"{path} has format {found}, this version of mmkeras reads format {FORMAT}. "
        f"{remedy[0].upper()}{remedy[1:]}"
    )


def _export_again(path) -> str:
    return f"export it again: mmkeras export PRESET --to {path} --overwrite"


def _interpreter_class():
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ImportError(
            "Running LiteRT files requires ai-edge-litert: pip install ai-edge-litert"
        ) from error
    return Interpreter
