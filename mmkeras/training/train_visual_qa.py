from __future__ import annotations

import json
import pathlib
from collections.abc import Sequence

import keras

from mmkeras.data import open_samples
from mmkeras.models import GenerativeVisualQA, VisualQA
from mmkeras.models.visual_qa.visual_qa_run import VisualQARun
from mmkeras.training.train_task import train_task


def train_visual_qa(
    run: VisualQARun,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    overwrite: bool = False,
    verbose: int | str = "auto",
) -> VisualQA | GenerativeVisualQA:
    """Trains visual question answering and writes it with the record of its making.

    Args:
        run: a `VisualQARun`.
        callbacks: Keras callbacks, e.g. to show progress.
        overwrite: bool, as `train_task` takes it.
        verbose: as in `keras.Model.fit`.

    Returns:
        The trained `VisualQA` or `GenerativeVisualQA`.

    Raises:
        FileExistsError, FileNotFoundError, ValueError: as `train_task` does.
    """
    return train_task(
        run,
        lambda train: _compiled(run, train),
        _splits,
        callbacks,
        overwrite,
        verbose,
    )


def _splits(run):
    return open_samples(
        run.data,
        "question",
        validation_fraction=run.validation_fraction,
        seed=run.seed,
        limit=run.limit,
        questions=run.questions,
        annotations=run.annotations,
        images=run.images,
    )


def _compiled(run, train) -> VisualQA | GenerativeVisualQA:
    vqa = _new(run, train) if run.preset is None else _continued(run.preset)
    if run.lora_rank is not None:
        vqa.enable_lora(run.lora_rank)
    vqa.compile(learning_rate=run.learning_rate)
    return vqa


def _continued(preset):
    config = json.loads((pathlib.Path(preset) / "task.json").read_text("utf-8"))
    writes = config.get("class_name") == GenerativeVisualQA.__name__
    return (GenerativeVisualQA if writes else VisualQA).from_preset(preset)


def _new(run, train):
    settings = {
        "image_encoder": run.image_encoder,
        "text_encoder": run.text_encoder,
        "fusion": run.fusion,
        "image_size": run.image_size,
        "trainable_encoder": run.trainable_encoder,
        "vocabulary_size": run.vocabulary_size,
        "sequence_length": run.sequence_length,
        "hidden_dim": run.hidden_dim,
        "num_encoder_layers": run.num_layers,
        "dropout": run.dropout,
        "modality_dropout": {"image": run.image_dropout, "text": run.text_dropout},
        "seed": run.seed,
    }
    if run.head == "generative":
        return GenerativeVisualQA.from_data(
            train,
            answer_length=run.answer_length,
            long_answers=run.long_answers,
            **settings,
        )
    return VisualQA.from_data(
        train,
        num_answers=run.num_answers,
        min_answer_count=run.min_answer_count,
        **settings,
    )
