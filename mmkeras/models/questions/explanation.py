from __future__ import annotations

import dataclasses
import os
import warnings

import numpy as np
import tensorflow as tf

from mmkeras.models.questions.question_batches import question_batches
from mmkeras.preprocessing import decode_image
from mmkeras.preprocessing.images.load_images import refuse_bad_images
from mmkeras.preprocessing.text.fonts_for import fonts_for


@dataclasses.dataclass
class Explanation:
    """Where a model looked to answer a question.

    Args:
        question: string.
        answer: string, the answer that is explained.
        score: float, its probability.
        tokens: list of strings, the question as the model reads it.
        image_attention: float32 `[rows, columns]`, how much the fusion block looked
            at each region, with a sum of 1; `None` for blocks that do not attend.
        text_attention: float32 `[tokens]`, how much it looked at each token, or
            `None`.
        image_gradient: float32 `[rows, columns]`, how much the score of the answer
            hangs on each region: 0 to 1, or 0 everywhere if it hangs on none.
        picture: uint8 `[height, width, 3]`.
    """

    question: str
    answer: str
    score: float
    tokens: list[str]
    image_attention: np.ndarray | None
    text_attention: np.ndarray | None
    image_gradient: np.ndarray
    picture: np.ndarray

    def plot(self, path: str | os.PathLike) -> None:
        """Draws the picture with what was looked at laid over it.

        Warns if no installed font has the characters of the question or the answer.

        Args:
            path: path of the file to write, e.g. `"answer.png"`.

        Raises:
            ImportError: if matplotlib is not installed.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError(
                "Drawing needs matplotlib: pip install 'mmkeras[plot]'."
            ) from error
        maps = {"attention": self.image_attention, "Grad-CAM": self.image_gradient}
        maps = {name: grid for name, grid in maps.items() if grid is not None}
        figure = Figure(figsize=(3.2 * (1 + len(maps)), 3.6), layout="constrained")
        axes = figure.subplots(1, 1 + len(maps))
        height, width = self.picture.shape[:2]
        for axis, (name, grid) in zip(axes, [("", None), *maps.items()], strict=True):
            axis.imshow(self.picture, extent=(0, width, height, 0))
            if grid is not None:
                axis.imshow(
                    grid, cmap="inferno", alpha=0.6, extent=(0, width, height, 0)
                )
            axis.set_title(name, fontsize=9)
            axis.axis("off")
        title = f"{self.question}\n{self.answer} ({self.score:.0%})"
        # A price in dollars is no formula.
        figure.suptitle(title, family=fonts_for([title]), parse_math=False)
        with warnings.catch_warnings():
            # Said once and with the remedy by `fonts_for`.
            warnings.filterwarnings("ignore", "Glyph .* missing from")
            figure.savefig(path)


def explain_answer(task, image, question: str, answer: str | None) -> Explanation:
    """What `explain` of a task returns.

    Args:
        task: a `VisualQA` or a `GenerativeVisualQA`.
        image: as `VisualQA.explain` takes it.
        question: string.
        answer: string, or `None` for the model's own.

    Returns:
        An `Explanation`.

    Raises:
        ValueError: as `explain` does.
    """
    batch = _single(image, question)
    converter = task.preprocessor.image_converter
    pixels, errors = converter.convert(tf.constant(batch.images))
    refuse_bad_images(errors.numpy(), batch.names)
    token_ids = _without_padding(task, task.preprocessor.tokenize(batch.questions))
    backbone = task.backbone
    regions = backbone.regions(pixels)
    with tf.GradientTape() as tape:
        tape.watch(regions)
        fused, details = backbone.question_reader(
            regions, token_ids, training=False, return_details=True
        )
        answer, chosen, probability = task.score_of(fused, answer)
    image_attention, text_attention = details.get("attention", (None, None))
    encoder = backbone.image_encoder
    grid = (encoder.rows, encoder.columns)
    return Explanation(
        question=question,
        answer=answer,
        score=float(probability),
        tokens=_tokens(task, token_ids),
        image_attention=_row(image_attention, grid),
        text_attention=_row(text_attention, (-1,)),
        image_gradient=_class_activation(regions, tape.gradient(chosen, regions), grid),
        picture=decode_image(tf.constant(batch.images[0])).numpy(),
    )


def _single(image, question):
    require_single(image, question)
    batches = list(question_batches(image, question, 1))
    if len(batches) != 1:
        raise ValueError(
            "`image` must be one picture to explain an answer by. Received a batch of "
            f"{len(batches)}."
        )
    return batches[0]


def _without_padding(task, token_ids):
    read = task.backbone.text_encoder.mask(token_ids[0])
    return token_ids[:, :, : int(tf.reduce_sum(tf.cast(read, tf.int32)))]


def _tokens(task, token_ids) -> list[str]:
    tokenizer = task.preprocessor.tokenizer
    return [tokenizer.id_to_token(int(i)) for i in token_ids[0, 0]]


def _row(attention, shape) -> np.ndarray | None:
    return None if attention is None else np.asarray(attention)[0].reshape(shape)


def _class_activation(regions, gradient, grid) -> np.ndarray:
    """What of each region speaks for the answer, `[rows, columns]`, at most 1."""
    if gradient is None:
        return np.zeros(grid, "float32")
    speaks = np.asarray(tf.reduce_sum(regions * gradient, axis=-1))[0]
    speaks = np.maximum(speaks, 0)
    return (speaks / max(speaks.max(), 1e-12)).reshape(grid).astype("float32")


def require_single(image, question) -> None:
    """Refuses what is not one question about one picture.

    Args:
        image: as `VisualQA.explain` takes it.
        question: string.

    Raises:
        ValueError: if the picture is a list or `None`, or the question no string.
    """
    if isinstance(image, (list, tuple)):
        raise ValueError(
            f"`image` must be one picture, not a list. Received: a list of {len(image)}"
            ". Explain them one by one."
        )
    if image is None:
        raise ValueError(
            "`image` must be a picture to explain an answer by. Received: image=None."
        )
    if not isinstance(question, str):
        raise ValueError(
            "`question` must be one string; explain several one by one. Received: "
            f"question={question!r:.200}."
        )
