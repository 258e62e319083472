from __future__ import annotations

import importlib.metadata
import json
import pathlib

import keras
import tensorflow as tf

from mmkeras.data import from_coco, from_folder, load
from mmkeras.models import ImageCaptioner
from mmkeras.training.captioner_run import CaptionerRun

_PACKAGES = ("tensorflow", "keras", "keras-hub", "tensorflow-text")


def train_captioner(run: CaptionerRun, verbose: int | str = "auto") -> ImageCaptioner:
    """Trains a captioner and writes it with the record of how it was made.

    The output folder is a preset, with `run.yaml` (the whole configuration) and
    `history.json` (each epoch's figures). A run that was interrupted goes on at
    its last whole epoch when it is started again.

    Args:
        run: a `CaptionerRun`.
        verbose: as in `keras.Model.fit`.

    Returns:
        The trained `ImageCaptioner`, with the weights of its best epoch.

    Raises:
        ValueError: if the data or a setting are not usable.
        FileNotFoundError: if the data are not there.
    """
    keras.utils.set_random_seed(run.seed)
    train, validation = load_splits(run)
    output = pathlib.Path(run.output)
    output.mkdir(parents=True, exist_ok=True)
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    run.to_yaml(output / "run.yaml", versions)
    captioner = ImageCaptioner.from_data(
        train,
        image_encoder=run.image_encoder,
        image_size=run.image_size,
        trainable_encoder=run.trainable_encoder,
        vocabulary_size=run.vocabulary_size,
        sequence_length=run.sequence_length,
        hidden_dim=run.hidden_dim,
        num_layers=run.num_layers,
        dropout=run.dropout,
        seed=run.seed,
    )
    captioner.compile(learning_rate=run.learning_rate)
    history = captioner.fit(
        train,
        validation_data=validation,
        batch_size=run.batch_size,
        epochs=run.epochs,
        seed=run.seed,
        callbacks=_callbacks(run, output),
        verbose=verbose,
    )
    captioner.save_to_preset(output)
    text = json.dumps(history.history, indent=2) + "\n"
    (output / "history.json").write_text(text)
    return captioner


def load_splits(
    run: CaptionerRun,
) -> tuple[tf.data.Dataset, tf.data.Dataset | None]:
    """The training and validation data of a run.

    Args:
        run: a `CaptionerRun`.

    Returns:
        Two unbatched datasets of samples; the second may be `None`.
    """
    fraction = run.validation_fraction
    if run.data.startswith("coco:") or pathlib.Path(run.data).is_dir():
        dataset = load_samples(run.data, run.captions, run.images)
        number = round(fraction * int(dataset.cardinality()))
        if fraction and number:
            # A fixed order, so that a run repeats and no picture is in both.
            mixed = dataset.shuffle(
                int(dataset.cardinality()), run.seed, reshuffle_each_iteration=False
            )
            return mixed.skip(number).take(run.limit or -1), mixed.take(number)
        return dataset.take(run.limit or -1), None
    splits = ("train", "validation") if fraction else ("train",)
    train, *validation = load(run.data, split=splits)
    return train.take(run.limit or -1), validation[0] if validation else None


def load_samples(
    data: str,
    captions: str | None = None,
    images: str | None = None,
    split: str = "train",
) -> tf.data.Dataset:
    """The samples that a data specification names.

    Args:
        data: string: a folder, `"coco:FILE.json"`, or a name in TFDS.
        captions: string, table of captions of a folder, or `None`.
        images: string, folder of the pictures of a COCO file, or `None`.
        split: string, of a dataset in TFDS.

    Returns:
        An unbatched `tf.data.Dataset` of sample dicts.
    """
    if data.startswith("coco:"):
        if not images:
            raise ValueError(f"{data} needs the folder of its pictures: --images.")
        return from_coco(data.removeprefix("coco:"), images)
    if pathlib.Path(data).is_dir():
        return from_folder(data, captions)
    if data.startswith((".", "/", "~")):
        raise FileNotFoundError(f"There is no folder {data}.")
    return load(data, split=split)


def _callbacks(run, output):
    callbacks = [keras.callbacks.BackupAndRestore(str(output / ".backup"))]
    if run.validation_fraction:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                "val_loss", patience=run.patience, restore_best_weights=True
            )
        )
    return callbacks
