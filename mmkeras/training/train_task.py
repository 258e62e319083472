from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import pathlib
import shutil
import warnings
from collections.abc import Sequence

import keras

import mmkeras
from mmkeras.models import spec_of_run
from mmkeras.models.kept_samples import write_samples
from mmkeras.models.run import Run
from mmkeras.models.task import Task

_LEARNED = "learned.json"
# An unreadable image stops a run, which may then be resumed without it.
_MAY_CHANGE = ("output", "on_error")
_PACKAGES = ("tensorflow", "keras", "keras-hub", "tensorflow-text")


def train_task(
    run: Run,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    overwrite: bool = False,
    verbose: int | str = "auto",
) -> Task:
    """Train a task and save it with the record of the run.

    The output folder is a preset, with `run.yaml` (all settings) and `history.json`
    (the metrics of each epoch). A run that was interrupted resumes after its last
    complete epoch when it is started again with the same settings (except
    `on_error`); the best epoch is then the best one since. With a `lora_rank` the
    preset has the adapters merged into its weights, and `adapters.lora.h5` has them
    alone, for the preset that the run started from.

    Args:
        run: a `Run` of a registered task, e.g. a `CaptionerRun`.
        callbacks: sequence of Keras callbacks, e.g. to show progress.
        overwrite: bool, whether to write to a folder that has files, and to start an
            interrupted run from scratch.
        verbose: as in `keras.Model.fit`.

    Returns:
        The trained task, with the weights of its best epoch if there are validation
        data.

    Raises:
        FileExistsError: if the output folder has files and `overwrite` is `False`.
        FileNotFoundError: if the data do not exist.
        ValueError: if the data or a setting cannot be used, or an interrupted run is
            resumed with other settings.

    Example:
        ```python
        run = mmkeras.models.CaptionerRun(data="photos", output="my_captioner")
        captioner = mmkeras.training.train_task(run)
        ```
    """
    spec = spec_of_run(run)
    output = pathlib.Path(run.output)
    resumed = _check_output(run, output, overwrite)
    keras.utils.set_random_seed(run.seed)
    train, validation = run.splits()
    task = spec.load_task().from_run(run, train)
    _start_record(run, output, resumed, task.preprocessor)
    recipe = _callbacks(run, output, validation is not None)
    task.fit(
        train,
        validation_data=validation,
        batch_size=run.batch_size,
        epochs=run.epochs,
        seed=run.seed,
        on_error=run.on_error,
        feature_cache=getattr(run, "feature_cache", None) or "auto",
        callbacks=[*callbacks, *recipe],
        verbose=verbose,
    )
    task.save_to_preset(output)
    if run.lora_rank is not None:
        task.save_lora(output / "adapters.lora.h5")
    _keep_samples(task, train if validation is None else validation, output)
    return task


def _keep_samples(task, dataset, output) -> None:
    # The model is saved already: bad samples must not lose it.
    try:
        task.keep_samples(dataset)
        write_samples(task.samples, output, task.preprocessor.modalities)
    except Exception as error:
        warnings.warn(
            f"{output} has no samples to check exported files on: {error} Add some "
            "with task.keep_samples(dataset) and save the preset again.",
            stacklevel=3,
        )


def _check_output(run, output, overwrite) -> bool:
    """Whether an interrupted run is resumed."""
    if overwrite or not output.exists():
        return False
    if not output.is_dir():
        raise FileExistsError(f"{output} is a file. Choose another `output` folder.")
    if (output / ".backup").is_dir() and (output / "run.yaml").is_file():
        _check_same(run, output)
        return True
    if any(output.iterdir()):
        raise FileExistsError(
            f"The folder {output} is not empty. Choose another `output`, or pass "
            "overwrite=True."
        )
    return False


def _check_same(run, output) -> None:
    before = dataclasses.asdict(type(run).from_yaml(output / "run.yaml"))
    now = dataclasses.asdict(run)
    changed = [
        f"{name}={now[name]!r} (before: {before[name]!r})"
        for name in now
        if name not in _MAY_CHANGE and before[name] != now[name]
    ]
    if changed:
        raise ValueError(
            f"{output} holds an interrupted run with other settings: "
            f"{', '.join(changed)}. Resume it with the same settings, or pass "
            "overwrite=True to start from scratch."
        )


def _start_record(run, output, resumed, preprocessor) -> None:
    backup = output / ".backup"
    learned = _learned(preprocessor)
    if resumed:
        _check_learned(backup / _LEARNED, learned)
    else:
        shutil.rmtree(backup, ignore_errors=True)
        (output / "history.json").unlink(missing_ok=True)
    # An empty backup marks a run that was interrupted in its first epoch.
    backup.mkdir(parents=True, exist_ok=True)
    (backup / _LEARNED).write_text(learned, "utf-8")
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    run.to_yaml(output / "run.yaml", {"mmkeras": mmkeras.__version__, **versions})


def _learned(preprocessor) -> str:
    """The state that the preprocessor learned from the data, e.g. its vocabulary."""
    config = preprocessor.get_config()
    tokenizer = getattr(preprocessor, "tokenizer", None)
    vocabulary = None if tokenizer is None else tokenizer.get_vocabulary()
    kept = {
        name: value
        for name, value in config.items()
        # Keras counts the layers of a session in their names.
        if name not in ("name", "tokenizer", "image_converter")
    }
    return json.dumps({"config": kept, "vocabulary": vocabulary}, default=str)


def _check_learned(path, learned) -> None:
    # The weights of the backup belong to the vocabulary that they were trained with.
    if path.is_file() and path.read_text("utf-8") != learned:
        raise ValueError(
            f"{path.parents[1]} holds an interrupted run on other data, whose "
            "vocabulary differs. Restore the data to resume it, or pass "
            "overwrite=True to start from scratch."
        )


def _callbacks(run, output, validated) -> list[keras.callbacks.Callback]:
    # The history is written before the backup, and cut to the epochs of the backup
    # when a run is resumed, so that no epoch is missing or duplicated.
    callbacks = [
        _HistoryFile(output / "history.json"),
        keras.callbacks.BackupAndRestore(str(output / ".backup")),
    ]
    if validated:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                "val_loss", patience=run.patience, restore_best_weights=True
            )
        )
    return callbacks


class _HistoryFile(keras.callbacks.Callback):
    """Writes the metrics of each epoch as JSON, `{name: [value of each epoch]}`.

    A resumed run keeps the earlier epochs, with `null` for metrics that they lack.

    Args:
        path: `pathlib.Path` of the file.
    """

    def __init__(self, path: pathlib.Path):
        super().__init__()
        self._path = path
        self._columns: dict[str, list[float | None]] = {}

    def on_train_begin(self, logs=None):
        if self._path.is_file():
            self._columns = json.loads(self._path.read_text("utf-8"))

    def on_epoch_end(self, epoch, logs=None):
        for name, value in (logs or {}).items():
            column = self._columns.get(name, [])[:epoch]
            # A run resumed with `on_error="skip"` has new metrics.
            missing = [None] * (epoch - len(column))
            self._columns[name] = [*column, *missing, float(value)]
        self._path.write_text(json.dumps(self._columns, indent=2) + "\n", "utf-8")
