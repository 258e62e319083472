from __future__ import annotations

import warnings
from collections.abc import Sequence

import keras

from mmkeras.data import caption_texts, open_samples
from mmkeras.models import ImageCaptioner
from mmkeras.models.image_captioner.captioner_run import CaptionerRun
from mmkeras.training.train_task import train_task


def train_captioner(
    run: CaptionerRun,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    overwrite: bool = False,
    verbose: int | str = "auto",
) -> ImageCaptioner:
    """Trains a captioner and writes it with the record of how it was made.

    The output folder is a preset, with `run.yaml` (the whole configuration) and
    `history.json` (each epoch's figures). A run that was interrupted goes on
    after its last whole epoch when it is started again with the same settings
    (but for `on_error`); the best epoch is then the best of those since.

    Args:
        run: a `CaptionerRun`.
        callbacks: Keras callbacks, e.g. to show progress.
        overwrite: bool, whether to write to a folder that has files, and to start
            anew where a run was interrupted.
        verbose: as in `keras.Model.fit`.

    Returns:
        The trained `ImageCaptioner`, with the weights of its best epoch where
        there are validation data.

    Raises:
        FileExistsError: if the output folder has files and `overwrite` is
            `False`.
        FileNotFoundError: if the data are not there.
        ValueError: if the data or a setting are not usable, or other settings
            were given to a run that was interrupted.
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
        "caption",
        validation_fraction=run.validation_fraction,
        seed=run.seed,
        limit=run.limit,
        captions=run.captions,
        images=run.images,
    )


def _compiled(run, train) -> ImageCaptioner:
    captioner = _new(run, train) if run.preset is None else _continued(run, train)
    if run.unfreeze_layers is not None:
        captioner.backbone.image_encoder.unfreeze(run.unfreeze_layers)
    if run.lora_rank is not None:
        captioner.enable_lora(run.lora_rank)
    slower = run.encoder_rate != 1
    captioner.compile(
        learning_rate=run.learning_rate,
        captions_per_image=run.captions_per_image,
        learning_rate_factors={"image_encoder": run.encoder_rate} if slower else None,
    )
    return captioner


def _new(run, train) -> ImageCaptioner:
    return ImageCaptioner.from_data(
        train,
        image_encoder=run.image_encoder,
        image_size=run.image_size,
        trainable_encoder=run.trainable_encoder,
        vocabulary_size=run.vocabulary_size,
        sequence_length=run.sequence_length,
        long_captions=run.long_captions,
        hidden_dim=run.hidden_dim,
        num_layers=run.num_layers,
        dropout=run.dropout,
        seed=run.seed,
    )


def _continued(run, train) -> ImageCaptioner:
    captioner = ImageCaptioner.from_preset(run.preset)
    tokenizer = captioner.preprocessor.tokenizer
    unknown = total = 0
    for text in caption_texts(train):
        ids = tokenizer.tokenize([text]).flat_values.numpy()
        unknown += int((ids == tokenizer.unk_token_id).sum())
        total += len(ids)
    if unknown:
        warnings.warn(
            f"{unknown} of the {total} words of the captions are not in the vocabulary "
            f"of {run.preset}, and will not be learned.",
            stacklevel=3,
        )
    return captioner
