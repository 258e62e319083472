from __future__ import annotations

import dataclasses
import os
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from mmkeras.models.questions.question_batches import question_batches
from mmkeras.preprocessing import decode_image
from mmkeras.preprocessing.images.load_images import refuse_bad_images
from mmkeras.preprocessing.text.fonts_for import fonts_for

if TYPE_CHECKING:
    from mmkeras.models.questions.question_task import QuestionTask


@dataclasses.dataclass
class Explanation:
    """The explanation of an answer.

    Args:
        question: string.
        answer: string, the explained answer.
        score: float, its probability.
        tokens: list of strings, the tokens of the question.
        image_attention: float32 `[rows, columns]`, the attention of the fusion block
            over the regions, which sums to 1; `None` for blocks without attention.
        text_attention: float32 `[tokens]`, its attention over the tokens, or `None`.
        image_gradient: float32 `[rows, columns]`, Grad-CAM of the answer's score:
            from 0 to 1, or 0 everywhere if it depends on no region.
        image: uint8 `[height, width, 3]`.
    """

    question: str
    answer: str
    score: float
    tokens: list[str]
    image_attention: np.ndarray | None
    text_attention: np.ndarray | None
    image_gradient: np.ndarray
    image: np.ndarray

    def plot(self, path: str | os.PathLike) -> None:
        """Plots the image with the attention and Grad-CAM as overlays.

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
                "Plotting needs matplotlib. Install it: pip install 'mmkeras[plot]'."
            ) from error
        maps = {"attention": self.image_attention, "Grad-CAM": self.image_gradient}
        maps = {name: grid for name, grid in maps.items() if grid is not None}
        figure = Figure(figsize=(3.2 * (1 + len(maps)), 3.6), layout="constrained")
        axes = figure.subplots(1, 1 + len(maps))
        height, width = self.image.shape[:2]
        for axis, (name, grid) in zip(axes, [("", None), *maps.items()], strict=True):
            axis.imshow(self.image, extent=(0, width, height, 0))
            if grid is not None:
                axis.imshow(
                    grid, cmap="inferno", alpha=0.6, extent=(0, width, height, 0)
                )
            axis.set_title(name, fontsize=9)
            axis.axis("off")
        title = f"{self.question}\n{self.answer} ({self.score:.0%})"
        # A dollar sign does not start a formula.
        figure.suptitle(title, family=fonts_for([title]), parse_math=False)
        with warnings.catch_warnings():
            # `fonts_for` warns once, with the remedy.
            warnings.filterwarnings("ignore", "Glyph .* missing from")
            figure.savefig(path)


def explain_answer(
    task: QuestionTask, image: Any, question: str, answer: str | None
) -> Explanation:
    """Explains an answer of a task.

    Args:
        task: a `VisualQA` or a `GenerativeVisualQA`.
        image: as in `VisualQA.explain`.
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
        image=decode_image(tf.constant(batch.images[0])).numpy(),
    )


def _single(image, question):
    require_single(image, question)
    batches = list(question_batches(image, question, 1))
    if len(batches) != 1:
        raise ValueError(
            f"`image` must be a single image. Received a batch of {len(batches)}."
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
    """Grad-CAM: the positive contribution of each region, scaled to at most 1."""
    if gradient is None:
        return np.zeros(grid, "float32")
    found = np.asarray(tf.reduce_sum(regions * gradient, axis=-1))[0]
    found = np.maximum(found, 0)
    return (found / max(found.max(), 1e-12)).reshape(grid).astype("float32")


def require_single(image: Any, question: Any) -> None:
    """Checks that a single question about a single image is given.

    Args:
        image: as in `VisualQA.explain`.
        question: string.

    Raises:
        ValueError: if the image is a list or `None`, or the question is not a string.
    """
    if isinstance(image, (list, tuple)):
        raise ValueError(
            f"`image` must be a single image. Received: a list of {len(image)}. "
            "Explain them one by one."
        )
    if image is None:
        raise ValueError("`image` must be an image. Received: image=None.")
    if not isinstance(question, str):
        raise ValueError(
            f"`question` must be a single string. Received: question={question!r:.200}."
        )
