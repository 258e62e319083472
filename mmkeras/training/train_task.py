from __future__ import annotations

import dataclasses
import importlib.metadata
import pathlib
import shutil
import warnings
from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

import mmkeras
from mmkeras.models.kept_samples import write_samples
from mmkeras.models.run import Run
from mmkeras.models.task import Task
from mmkeras.training.history_file import HistoryFile

_VOCABULARY = "vocabulary.txt"
# A broken picture stops a run, which may then go on without it.
_MAY_CHANGE = ("output", "on_error")
_PACKAGES = ("tensorflow", "keras", "keras-hub", "tensorflow-text")


def train_task(
    run: Run,
    make: Callable[[tf.data.Dataset], Task],
    splits: Callable[[Run], tuple[tf.data.Dataset, tf.data.Dataset | None]],
    callbacks: Sequence[keras.callbacks.Callback] = (),
    overwrite: bool = False,
    verbose: int | str = "auto",
) -> Task:
    """Trains a task and writes it with the record of how it was made.

    The output folder is a preset, with `run.yaml` (the whole configuration) and
    `history.json` (each epoch's figures). A run that was interrupted goes on
    after its last whole epoch when it is started again with the same settings (but for
    `on_error`); the best epoch is then the best of those since. With a `lora_rank` the
    preset has the adapters merged into its weights, and `adapters.lora.h5` has them
    alone, for the preset that the run began with.

    Args:
        run: a `CaptionerRun` or a `VisualQARun`.
        make: a function from the training data to the task, compiled.
        splits: a function from the run to its training and validation data.
        callbacks: Keras callbacks, e.g. to show progress.
        overwrite: bool, whether to write to a folder that has files, and to start
            anew where a run was interrupted.
        verbose: as in `keras.Model.fit`.

    Returns:
        The trained task, with the weights of its best epoch where there are
        validation data.

    Raises:
        FileExistsError: if the output folder has files and `overwrite` is
            `False`.
        FileNotFoundError: if the data are not there.
        ValueError: if the data or a setting are not usable, or other settings
            were given to a run that was interrupted.
    """
    output = pathlib.Path(run.output)
    resumed = _check_output(run, output, overwrite)
    keras.utils.set_random_seed(run.seed)
    train, validation = splits(run)
    task = make(train)
    _start_record(run, output, resumed, task.preprocessor.tokenizer)
    recipe = _callbacks(run, output, validation is not None)
    task.fit(
        train,
        validation_data=validation,
        batch_size=run.batch_size,
        epochs=run.epochs,
        seed=run.seed,
        on_error=run.on_error,
        feature_cache="auto" if run.feature_cache is None else run.feature_cache,
        callbacks=[*callbacks, *recipe],
        verbose=verbose,
    )
    task.save_to_preset(output)
    if run.lora_rank is not None:
        task.save_lora(output / "adapters.lora.h5")
    _keep_samples(task, train if validation is None else validation, output)
    return task


def _keep_samples(task, dataset, output) -> None:
    # The model is saved by now: whatever the data have, it is not lost.
    try:
        task.keep_samples(dataset)
        write_samples(task.samples, output)
    except Exception as error:
        warnings.warn(
            f"No samples are kept in {output}, on which exported files are checked: "
            f"{error} Keep some with task.keep_samples(dataset).",
            stacklevel=2,
        )


def _check_output(run, output, overwrite) -> bool:
    """Whether the run goes on from where it was interrupted."""
    if overwrite or not output.exists():
        return False
    if not output.is_dir():
        raise FileExistsError(f"{output} is a file. Choose another output folder.")
    if (output / ".backup").is_dir() and (output / "run.yaml").is_file():
        _check_same(run, output)
        return True
    if any(output.iterdir()):
        raise FileExistsError(
            f"{output} is not empty. Choose another output, or add --overwrite "
            "(overwrite=True)."
        )
    return False


def _check_same(run, output) -> None:
    before = dataclasses.asdict(type(run).from_yaml(output / "run.yaml"))
    now = dataclasses.asdict(run)
    changed = [
        f"{name} ({before[name]!r}, now {now[name]!r})"
        for name in now
        if name not in _MAY_CHANGE and before[name] != now[name]
    ]
    if changed:
        raise ValueError(
            f"{output} holds an interrupted run with other settings: "
            f"{', '.join(changed)}. Give the same to go on with it, or add "
            "--overwrite (overwrite=True) to start anew."
        )


def _start_record(run, output, resumed, tokenizer) -> None:
    backup = output / ".backup"
    vocabulary = "\n".join(tokenizer.get_vocabulary())
    if resumed:
        _check_vocabulary(backup / _VOCABULARY, vocabulary)
    else:
        shutil.rmtree(backup, ignore_errors=True)
        (output / "history.json").unlink(missing_ok=True)
    # The empty backup marks a run that was interrupted in its first epoch.
    backup.mkdir(parents=True, exist_ok=True)
    (backup / _VOCABULARY).write_text(vocabulary, "utf-8")
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    run.to_yaml(output / "run.yaml", {"mmkeras": mmkeras.__version__, **versions})


def _check_vocabulary(path, vocabulary) -> None:
    # What was trained so far belongs to the tokens that it was trained with.
    if path.is_file() and path.read_text("utf-8") != vocabulary:
        raise ValueError(
            f"{path.parents[1]} holds an interrupted run on other captions: their "
            "vocabulary has changed since. Put the captions back as they were to go on "
            "with it, or add --overwrite (overwrite=True) to start anew."
        )


def _callbacks(run, output, validated) -> list[keras.callbacks.Callback]:
    # The history is written before the backup, and cut to the epochs the backup
    # has when a run goes on, so that no epoch is missing or stands twice.
    callbacks = [
        HistoryFile(output / "history.json"),
        keras.callbacks.BackupAndRestore(str(output / ".backup")),
    ]
    if validated:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                "val_loss", patience=run.patience, restore_best_weights=True
            )
        )
    return callbacks
