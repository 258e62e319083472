"""Tiny tasks, trained once for a test run and shared by its processes."""

from __future__ import annotations

import contextlib
import fcntl
import json
import pathlib
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf

from mmkeras.models import Task, TaskSpec, task_specs

# Enough for each built-in task to learn the scenes of `conftest` by heart.
EPOCHS, BATCH_SIZE, LEARNING_RATE = 16, 8, 3e-3


def tiny(spec: TaskSpec, dataset: tf.data.Dataset, **settings) -> Task:
    """An untrained task of the size of `spec.tiny`.

    Args:
        spec: the spec of the task.
        dataset: samples with the inputs and targets of the task.
        **settings: further settings of its training run.
    """
    settings = {**spec.tiny, **settings}
    run = spec.load_run()(data="tiny", output="tiny", **settings)
    return spec.load_task().from_run(run, dataset)


def validation(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The samples whose loss the history of a trained task has."""
    return dataset.take(16)


class Presets:
    """Presets of tiny trained tasks and their exports, made when they are first used.

    Args:
        folder: folder that all processes of the test run share.
        dataset: samples with the inputs and targets of all tasks.
    """

    def __init__(self, folder: pathlib.Path, dataset: tf.data.Dataset):
        self._folder, self._dataset = folder, dataset

    def path(self, name: str) -> pathlib.Path:
        """The preset of a task, by the name of its spec."""
        return self._made(name, "trained", lambda to: self._train(name, to)) / "preset"

    def history(self, name: str) -> dict[str, list[float]]:
        """The history of the training; validation loss in the last epoch only."""
        return json.loads((self.path(name).parent / "history.json").read_text())

    def load(self, name: str, **kwargs) -> Task:
        """A copy of the trained task, for tests that change it."""
        return Task.from_preset(self.path(name), **kwargs)

    def saved_model(self, name: str) -> pathlib.Path:
        """The SavedModel of a trained task, exported with the default options."""
        return self._made(
            name, "served", lambda to: self.load(name).export(to / name / "1")
        ).joinpath(name, "1")

    def _train(self, name: str, folder: pathlib.Path) -> None:
        task = tiny(task_specs()[name], self._dataset)
        # Traced faster than the default optimizer, which the tests of `fit` use.
        task.compile(keras.optimizers.Adam(LEARNING_RATE))
        history = task.fit(
            self._dataset,
            validation_data=validation(self._dataset),
            validation_freq=EPOCHS,
            epochs=EPOCHS,
            batch_size=BATCH_SIZE,
            verbose=0,
        ).history
        (folder / "history.json").write_text(json.dumps(history))
        task.save_to_preset(folder / "preset")

    def _made(
        self, name: str, kind: str, make: Callable[[pathlib.Path], None]
    ) -> pathlib.Path:
        folder = self._folder / name / kind
        with _locked(self._folder / f"{name}-{kind}.lock"):
            if not folder.exists():
                partial = folder.with_suffix(".partial")
                partial.mkdir(parents=True)
                make(partial)
                partial.rename(folder)
        return folder


@contextlib.contextmanager
def _locked(path: pathlib.Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
