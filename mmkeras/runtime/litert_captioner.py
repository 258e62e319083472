from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from mmkeras.runtime.caption import Caption
from mmkeras.runtime.join_pieces import join_pieces
from mmkeras.runtime.litert_file import VOCABULARY, LiteRTFile


class LiteRTCaptioner:
    """Captions images with an exported LiteRT file, without TensorFlow.

    It only needs `ai-edge-litert`, NumPy and Pillow, and is the reference for apps on
    phones.

    Args:
        path: path of a file written by
            `ImageCaptioner.export(path, format="litert")`.
        num_threads: int, number of threads of the runtime.

    Raises:
        FileNotFoundError: if the file does not exist.
        ImportError: if `ai-edge-litert` is not installed.
        ValueError: if the file is corrupted, of another format, or not of a captioner.

    Example:
        ```python
        captioner = mmkeras.runtime.LiteRTCaptioner("captioner.tflite")
        caption = captioner.caption("photo.jpg")
        print(caption, caption.score)
        ```
    """

    def __init__(self, path: str | os.PathLike, num_threads: int = 1):
        self._file = LiteRTFile(path, num_threads)
        self._file.require_task("ImageCaptioner")
        self._vocabulary = self._file.lines(VOCABULARY)

    @property
    def description(self) -> dict:
        """The description in the file; see `LiteRTFile`."""
        return self._file.description

    @property
    def stepwise(self) -> bool:
        """Whether the file was exported with `stepwise=True`."""
        return not self._file.has_signature("caption")

    def caption(
        self, image: str | os.PathLike | bytes | np.ndarray
    ) -> Caption | list[Caption]:
        """Captions an image.

        Args:
            image: a path, encoded bytes, or a uint8 array `[height, width, 3]`.

        Returns:
            A `Caption`, a string with a `score`, or if the file was exported with
            `num_sequences` above 1, a list of them, best first. Captions of a stepwise
            file have no score.

        Raises:
            FileNotFoundError: if the image file does not exist.
            ValueError: if the image cannot be read.
        """
        if self.stepwise:
            return Caption(self._detokenize(list(self._steps(image))))
        outputs = self._file.run("caption", image=self._file.pixels(image))
        captions = [
            Caption(text, float(score))
            for text, score in zip(self._texts(outputs), outputs["scores"], strict=True)
        ]
        return captions[0] if len(captions) == 1 else captions

    def stream(self, image: str | os.PathLike | bytes | np.ndarray) -> Iterator[str]:
        """Captions an image token by token, for display while the text grows.

        Args:
            image: a path, encoded bytes, or a uint8 array `[height, width, 3]`.

        Yields:
            string, the text so far.

        Raises:
            FileNotFoundError: if the image file does not exist.
            ValueError: if the file was not exported with `stepwise=True`, or the image
                cannot be read.
        """
        if not self.stepwise:
            raise ValueError(
                "This file generates the caption in a single call. To stream captions, "
                "export the model with stepwise=True."
            )
        ids = []
        for token_id in self._steps(image):
            ids.append(token_id)
            yield self._detokenize(ids)

    @property
    def _max_length(self) -> int:
        return self.description["decoding"]["max_length"]

    def _steps(self, image) -> Iterator[int]:
        tokens = self.description["tokens"]
        state = self._file.run("encode", image=self._file.pixels(image))
        last = tokens["start"]
        for position in range(self._max_length):
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

    def _detokenize(self, ids: list[int]) -> str:
        padded = ids + [0] * (self._max_length - len(ids))
        outputs = self._file.run("spell", token_ids=np.array([padded], np.int32))
        return self._texts(outputs)[0]

    def _texts(self, outputs) -> list[str]:
        rows = zip(outputs["token_ids"], outputs["joins"], strict=True)
        return [join_pieces(ids, joins, self._vocabulary) for ids, joins in rows]
