from __future__ import annotations

import os

import numpy as np

from mmkeras.arguments import whole_number
from mmkeras.runtime.caption import Answer
from mmkeras.runtime.join_pieces import join_pieces
from mmkeras.runtime.litert_file import VOCABULARY, LiteRTFile
from mmkeras.runtime.question_tokenizer import QuestionTokenizer

ANSWER_VOCABULARY = "answer_vocab.txt"


class LiteRTVisualQA:
    """Answers questions about images with an exported LiteRT file, without TensorFlow.

    It only needs `ai-edge-litert`, NumPy and Pillow, and is the reference for apps on
    phones.

    Args:
        path: path of a file written by `VisualQA.export(path, format="litert")` or
            `GenerativeVisualQA.export(path, format="litert")`.
        num_threads: int, number of threads of the runtime.

    Raises:
        FileNotFoundError: if the file does not exist.
        ImportError: if `ai-edge-litert` is not installed.
        ValueError: if the file is corrupted, of another format, or not of a task that
            answers questions, or its tokenizer is unknown.

    Example:
        ```python
        vqa = mmkeras.runtime.LiteRTVisualQA("vqa.tflite")
        answer = vqa.answer("photo.jpg", "what is on the table?")
        print(answer, answer.score)
        vqa.answer("photo.jpg", "what is on the table?", num_sequences=3)
        ```
    """

    def __init__(self, path: str | os.PathLike, num_threads: int = 1):
        self._file = LiteRTFile(path, num_threads)
        self._file.require_task("VisualQA", "GenerativeVisualQA")
        self._tokenizer = QuestionTokenizer(
            self._file.lines(VOCABULARY), **self.description["question"]
        )
        self._is_generative = self.description["task"] == "GenerativeVisualQA"
        if self._is_generative:
            self._answer_vocabulary = self._file.lines(ANSWER_VOCABULARY)

    @property
    def description(self) -> dict:
        """The description in the file; see `LiteRTFile`."""
        return self._file.description

    def answer(
        self,
        image: str | os.PathLike | bytes | np.ndarray,
        question: str,
        num_sequences: int | None = None,
    ) -> Answer | list[Answer]:
        """Answers a question about an image.

        Args:
            image: a path, encoded bytes, or a uint8 array `[height, width, 3]`.
            question: string.
            num_sequences: int, number of answers, at most as many as the file was
                exported for. `None` for the `num_sequences` among the decoding options
                of a generative file, and 1 for other files.

        Returns:
            An `Answer`, a string with a `score`, or with `num_sequences` above 1 a list
            of them, best first.

        Raises:
            FileNotFoundError: if the image file does not exist.
            ValueError: if the image cannot be read, the question is blank, or
                `num_sequences` is out of range.
        """
        token_ids = self._tokenizer(question)
        if not token_ids.any():
            raise ValueError(f"`question` is blank. Received: question={question!r}.")
        outputs = self._file.run(
            "answer", image=self._file.pixels(image), token_ids=token_ids[None]
        )
        answers = self._generated(outputs) if self._is_generative else _chosen(outputs)
        if num_sequences is None:
            num_sequences = self.description.get("decoding", {}).get("num_sequences", 1)
        number = whole_number("num_sequences", num_sequences, 1, len(answers))
        return answers[0] if number == 1 else answers[:number]

    def _generated(self, outputs) -> list[Answer]:
        rows = zip(
            outputs["token_ids"], outputs["joins"], outputs["scores"], strict=True
        )
        return [
            Answer(join_pieces(ids, joins, self._answer_vocabulary), float(score))
            for ids, joins, score in rows
        ]


def _chosen(outputs) -> list[Answer]:
    rows = zip(np.ravel(outputs["answers"]), np.ravel(outputs["scores"]), strict=True)
    return [Answer(_text(answer), float(score)) for answer, score in rows]


def _text(answer) -> str:
    return answer.decode("utf-8") if isinstance(answer, bytes) else str(answer)
