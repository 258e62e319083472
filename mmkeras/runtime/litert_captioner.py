from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from mmkeras.runtime.litert_file import VOCABULARY, LiteRTFile
from mmkeras.runtime.spell_pieces import spell_pieces


class LiteRTCaptioner:
    """Captions pictures with an exported file, without TensorFlow.

    It needs `ai-edge-litert`, NumPy and Pillow only (`pip install --no-deps mmkeras`
    beside them), and is what an app on a phone has to do, in a few lines of Python.

    Args:
        path: path of a file that `ImageCaptioner.export(path, format="litert")` wrote.
        num_threads: int, threads of the runtime.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if `ai-edge-litert` is not installed.
        ValueError: if the file is damaged, or not of a captioner.

    Example:
        ```python
        captioner = mmkeras.runtime.LiteRTCaptioner("captioner.tflite")
        captioner.caption("photo.jpg")
        ```
    """

    def __init__(self, path: str | os.PathLike, num_threads: int = 1):
        self._file = LiteRTFile(path, num_threads)
        self._file.require_task("ImageCaptioner")
        self._vocabulary = self._file.lines(VOCABULARY)

    @property
    def description(self) -> dict:
        """What the file says of itself."""
        return self._file.description

    @property
    def stepwise(self) -> bool:
        """Whether the file was exported with `stepwise=True`."""
        return not self._file.has_signature("caption")

    def caption(self, image, *, return_scores: bool = False):
        """The caption of a picture.

        Args:
            image: a path, encoded bytes, or a uint8 array `[height, width, 3]`.
            return_scores: bool, whether to return `(caption, score)`; not of a file
                that was exported stepwise, whose loop knows no scores.

        Returns:
            string; of a file with `num_sequences` above 1 a list of strings, best
            first.

        Raises:
            FileNotFoundError: if a path does not lead to a file.
            ValueError: if the picture cannot be read.
        """
        if self.stepwise:
            if return_scores:
                raise ValueError(
                    "A stepwise file gives no scores. Export it with stepwise=False, "
                    "or leave out return_scores."
                )
            return self._spell(list(self._steps(image)))
        outputs = self._file.run("caption", image=self._file.pixels(image))
        found = self._texts(outputs)
        if return_scores:
            found = list(zip(found, map(float, outputs["scores"]), strict=True))
        return found[0] if len(found) == 1 else found

    def stream(self, image) -> Iterator[str]:
        """The caption as it grows, for the screen of somebody who waits.

        Args:
            image: as `caption` takes it.

        Yields:
            string, the whole text so far.

        Raises:
            ValueError: if the file was not exported with `stepwise=True`, or the
                picture cannot be read.
        """
        if not self.stepwise:
            raise ValueError(
                "This file writes the whole caption in one call. Export with "
                "stepwise=True to have it word by word."
            )
        ids = []
        for token_id in self._steps(image):
            ids.append(token_id)
            yield self._spell(ids)

    @property
    def _longest(self) -> int:
        return self.description["decoding"]["max_length"]

    def _steps(self, image) -> Iterator[int]:
        tokens = self.description["tokens"]
        state = self._file.run("encode", image=self._file.pixels(image))
        last = tokens["start"]
        for position in range(self._longest):
            outputs = self._file.run(
                "decode_step",
                token_id=np.array([[last]], np.int32),
                position=np.array(position, np.int32),
                **state,
            )
            last = int(np.argmax(outputs.pop("logits")[0]))
            if last == tokens["end"]:
                return
            yield last
            state = {**state, **outputs}

    def _spell(self, ids: list[int]) -> str:
        padded = ids + [0] * (self._longest - len(ids))
        outputs = self._file.run("spell", token_ids=np.array([padded], np.int32))
        return self._texts(outputs)[0]

    def _texts(self, outputs) -> list[str]:
        pairs = zip(outputs["token_ids"], outputs["joins"], strict=True)
        return [spell_pieces(ids, joins, self._vocabulary) for ids, joins in pairs]
