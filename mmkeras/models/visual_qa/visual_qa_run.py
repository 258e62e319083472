from __future__ import annotations

import dataclasses
import typing

from mmkeras.models.run import Run


@dataclasses.dataclass(frozen=True)
class VisualQARun(Run):
    """Everything that decides what a training of visual question answering makes.

    Args:
        data: string: a folder of pictures with a table `questions.csv`
            (`mmkeras.data.from_question_csv`); official files,
            `"vqa:QUESTIONS.json"`; or the name of a dataset in TFDS.
        output: string, folder for the preset and the record of the run.
        preset: string, folder of a preset to go on from with its model, its words and
            its answers, or `None` for a new model.
        questions: string, table of questions of a folder, or `None` for its
            `questions.csv`.
        annotations: string, official file of the answers, or `None`.
        images: string, folder of the pictures of official files, or `None`.
        image_encoder: string, as `VisualQA.from_data` takes it.
        text_encoder: string, as `VisualQA.from_data` takes it.
        fusion: string, one of `mmkeras.layers.fusion.names()`.
        head: string, `"classification"` to choose among known answers (`VisualQA`), or
            `"generative"` to write them (`GenerativeVisualQA`).
        image_size: int, or `None` for the encoder's own.
        trainable_encoder: bool, or `None` for the encoder's own.
        num_answers: int, the most answers that can be chosen from.
        min_answer_count: int, how often an answer must be given in the data.
        vocabulary_size: int.
        sequence_length: int, tokens of a question.
        answer_length: int, the most tokens of an answer with its end, of the generative
            head.
        long_answers: string, `"error"` or `"cut"`, what the generative head does with
            longer ones.
        hidden_dim: int.
        num_layers: int, transformer blocks over the regions.
        dropout: float.
        image_dropout: float, share of the questions that in training do not see their
            picture.
        text_dropout: float, share of the questions that in training are not read.
        feature_cache: string, folder to keep the features of a frozen image encoder
            in, or `None` to keep them for the time of the training where `fit` can.
        validation_fraction: float, share of the training data held out where the data
            have no validation split; 0 for no validation at all.
        limit: int, the most training pictures used, or `None`.
        epochs: int.
        batch_size: int, pictures a step, each with all of its questions.
        learning_rate: float.
        patience: int, epochs without a better validation loss before it stops.
        seed: int.
        on_error: string, what to do with a picture that cannot be read: `"raise"`
            or `"skip"`.
        lora_rank: int, of the low-rank adapters that are trained in place of the
            preset's weights (`enable_lora`), or `None` to train the weights.

    Raises:
        ValueError: if a setting is of the wrong type or out of range.
    """

    data: str
    output: str
    preset: str | None = None
    questions: str | None = None
    annotations: str | None = None
    images: str | None = None
    image_encoder: str = "small_cnn"
    text_encoder: str = "gru"
    fusion: str = "stacked_attention"
    head: str = "classification"
    image_size: int | None = None
    trainable_encoder: bool | None = None
    num_answers: int = 3000
    min_answer_count: int = 1
    vocabulary_size: int = 8000
    sequence_length: int = 24
    answer_length: int = 8
    long_answers: str = "error"
    hidden_dim: int = 128
    num_layers: int = 1
    dropout: float = 0.1
    image_dropout: float = 0.05
    text_dropout: float = 0.05
    feature_cache: str | None = None
    validation_fraction: float = 0.1
    limit: int | None = None
    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 2e-3
    patience: int = 3
    seed: int = 0
    on_error: str = "raise"
    lora_rank: int | None = None

    at_least: typing.ClassVar[dict[str, int]] = {
        "image_size": 1,
        "num_answers": 1,
        "min_answer_count": 1,
        "vocabulary_size": 1,
        "sequence_length": 3,
        "answer_length": 2,
        "hidden_dim": 1,
        "num_layers": 0,
        "limit": 1,
        "epochs": 1,
        "batch_size": 1,
        "patience": 0,
        "lora_rank": 1,
        "seed": 0,
    }
    of_a_new_model: typing.ClassVar[frozenset[str]] = frozenset(
        {
            "image_encoder",
            "text_encoder",
            "fusion",
            "head",
            "image_size",
            "trainable_encoder",
            "num_answers",
            "min_answer_count",
            "vocabulary_size",
            "sequence_length",
            "answer_length",
            "long_answers",
            "hidden_dim",
            "num_layers",
            "dropout",
            "image_dropout",
            "text_dropout",
        }
    )

    def _check(self) -> None:
        self._check_shares(
            "dropout", "image_dropout", "text_dropout", "validation_fraction"
        )
        self._check_choice("head", "classification", "generative")
        self._check_choice("long_answers", "error", "cut")
        self._check_choice("on_error", "raise", "skip")
        self._check_positive("learning_rate")
        self._check_preset()
        self._check_lora()
