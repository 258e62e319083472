from __future__ import annotations

import os

import numpy as np

from mmkeras.runtime.litert_file import VOCABULARY, LiteRTFile
from mmkeras.runtime.question_tokenizer import QuestionTokenizer
from mmkeras.runtime.spell_pieces import spell_pieces

ANSWER_VOCABULARY = "answer_vocab.txt"


class LiteRTVisualQA:
    """Answers questions about pictures with an exported file, without TensorFlow.

    It needs `ai-edge-litert`, NumPy and Pillow only (`pip install --no-deps mmkeras`
    beside them), and is what an app on a phone has to do, in a few lines of Python.

    Args:
        path: path of a file that `VisualQA.export(path, format="litert")` or
            `GenerativeVisualQA.export(path, format="litert")` wrote.
        num_threads: int, threads of the runtime.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if `ai-edge-litert` is not installed.
        ValueError: if the file is damaged, not of such a task, or its questions are
            cut into pieces in a way that is written for TensorFlow only.

    Example:
        ```python
        vqa = mmkeras.runtime.LiteRTVisualQA("vqa.tflite")
        vqa.answer("photo.jpg", "what is on the table?", top_k=3)
        ```
    """

    def __init__(self, path: str | os.PathLike, num_threads: int = 1):
        self._file = LiteRTFile(path, num_threads)
        self._file.require_task("VisualQA", "GenerativeVisualQA")
        self._tokenizer = QuestionTokenizer(
            self._file.lines(VOCABULARY), **self.description["question"]
        )
        self._writes = self.description["task"] == "GenerativeVisualQA"
        if self._writes:
            self._answer_pieces = self._file.lines(ANSWER_VOCABULARY)

    @property
    def description(self) -> dict:
        """What the file says of itself."""
        return self._file.description

    def answer(self, image, question: str, *, top_k: int | None = None):
        """The answer to a question about a picture.

        Args:
            image: a path, encoded bytes, or a uint8 array `[height, width, 3]`.
            question: string.
            top_k: int, how many answers to return, best first, at most as many as the
                file was exported for; `None` for the best one alone.

        Returns:
            string, or with `top_k` a list of `(answer, score)`.

        Raises:
            FileNotFoundError: if a path does not lead to a file.
            ValueError: if the picture cannot be read, the question is blank, or
                `top_k` is out of range.
        """
        token_ids = self._tokenizer(question)
        if not token_ids.any():
            raise ValueError(f"The question is blank. Received: question={question!r}.")
        outputs = self._file.run(
            "answer", image=self._file.pixels(image), token_ids=token_ids[None]
        )
        found = self._written(outputs) if self._writes else _chosen(outputs)
        if top_k is None:
            return found[0][0]
        if not 1 <= top_k <= len(found):
            raise ValueError(
                f"`top_k` must be between 1 and {len(found)}, the answers that this "
                f"file gives. Received: top_k={top_k!r}."
            )
        return found[:top_k]

    def _written(self, outputs) -> list[tuple[str, float]]:
        rows = zip(
            outputs["token_ids"], outputs["joins"], outputs["scores"], strict=True
        )
        return [
            (spell_pieces(ids, joins, self._answer_pieces), float(score))
            for ids, joins, score in rows
        ]


def _chosen(outputs) -> list[tuple[str, float]]:
    texts = [_text(answer) for answer in np.ravel(outputs["answers"])]
    return list(zip(texts, map(float, np.ravel(outputs["scores"])), strict=True))


def _text(answer) -> str:
    return answer.decode("utf-8") if isinstance(answer, bytes) else str(answer)
