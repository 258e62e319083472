from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from mmkeras.arguments import setting
from mmkeras.models.image_run import ImageRun

if TYPE_CHECKING:
    import tensorflow as tf


@dataclasses.dataclass(frozen=True, kw_only=True)
class QuestionRun(ImageRun):
    """The settings that training runs of visual question answering share.

    These are in addition to those of `ImageRun` and `Run`.

    Args:
        data: string: a folder of images with a table `questions.csv`
            (`mmkeras.data.from_question_csv`); official files, `"vqa:QUESTIONS.json"`;
            or the name of a dataset of TensorFlow Datasets.
        images: string, folder of the images of official files, or `None`.
        questions: string, table of the questions of a folder, or `None` for its
            `questions.csv`.
        annotations: string, official file of the answers, or `None`.
        text_encoder: string, as `VisualQA.from_data` accepts it.
        fusion: string, one of `mmkeras.layers.fusion.names()`.
        vocabulary_size: int, maximum number of tokens to learn.
        sequence_length: int, maximum number of tokens of a question, or `None` to
            choose it from the data.
        num_layers: int, number of transformer blocks over the image regions.
        image_dropout: float, share of the questions trained without their image.
        text_dropout: float, share of the images trained without their question.
    """

    data: str = setting(
        help="a folder with questions.csv; vqa:QUESTIONS.json; or the name of a "
        "dataset of TensorFlow Datasets"
    )
    images: str | None = setting(
        None, "folder of the images of vqa:QUESTIONS.json", role="data"
    )
    questions: str | None = setting(
        None, "table of the questions of a folder (.csv)", role="data"
    )
    annotations: str | None = setting(
        None, "official file of the answers of vqa:QUESTIONS.json", role="data"
    )
    text_encoder: str = setting("gru", "gru, lstm, transformer or minilm", role="model")
    fusion: str = setting(
        "stacked_attention",
        "fusion block of image and question, e.g. film",
        role="model",
    )
    vocabulary_size: int = setting(
        8000, "maximum number of tokens to learn", minimum=1, role="model"
    )
    sequence_length: int | None = setting(
        None,
        "maximum number of tokens of a question (default: chosen from the data)",
        minimum=3,
        role="model",
    )
    num_layers: int = setting(
        1, "transformer blocks over the image regions", minimum=0, role="model"
    )
    image_dropout: float = setting(
        0.05,
        "share of the questions trained without their image",
        minimum=0,
        below=1,
        role="model",
    )
    text_dropout: float = setting(
        0.05,
        "share of the images trained without their question",
        minimum=0,
        below=1,
        role="model",
    )

    @classmethod
    def load_data(
        cls, data: str, **arguments: Any
    ) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
        """Loads images with questions, as `mmkeras.data.open_samples` does."""
        from mmkeras.data import open_samples

        return open_samples(data, "question", **arguments)

    def arguments(self, role: str) -> dict[str, Any]:
        """The fields of a role, by name; the dropouts as `modality_dropout`."""
        found = super().arguments(role)
        if role == "model":
            found["modality_dropout"] = {
                "image": found.pop("image_dropout"),
                "text": found.pop("text_dropout"),
            }
        return found
