"""What is known of a task without importing Keras."""

from __future__ import annotations

import dataclasses
import importlib
import types
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class TaskSpec:
    """Describes a task to the command line, to exports and to tests.

    Classes are named by strings, so that `mmkeras train --help` lists all tasks
    without importing TensorFlow.

    Args:
        name: string, the name of the task on the command line: `mmkeras train NAME`.
        summary: string, what the task does, for `--help`: `"caption images"`.
        task: string, `"package.module:Class"`, a subclass of `mmkeras.models.Task`.
        run: string, `"package.module:Class"`, a subclass of `mmkeras.models.Run` in a
            module that imports neither Keras nor TensorFlow.
        verb: string, the method of the task that predicts from raw inputs.
        inputs: tuple of the sample keys that the verb takes, in its order. The first
            one is `"image"`; a second one is `"question"`.
        targets: tuple of sample keys, any one of which the task learns from.
        output: string, the name of the prediction in `serving_default` and in files:
            `"caption"`.
        options: string, `"package.module:Class"`, a dataclass of
            `mmkeras.arguments.settings` with the keyword arguments of the verb, or
            `None`. Its module must not import Keras or TensorFlow.
        export_options: string, the same for `signatures` and `static_form`; `None`
            for those of `options`.
        runner: string, `"package.module:Class"`, which runs the task's LiteRT files
            without TensorFlow and has a method named like `output`; or `None`, if the
            task has no `static_form`.
        command: string, the familiar command for predictions, `"caption"`; `None` for
            `mmkeras predict` alone.
        tiny: dict of settings of the run that make a model small enough to train in
            seconds, for tests and smoke runs.
    """

    name: str
    summary: str
    task: str
    run: str
    verb: str
    inputs: tuple[str, ...]
    targets: tuple[str, ...]
    output: str
    options: str | None = None
    export_options: str | None = None
    runner: str | None = None
    command: str | None = None
    tiny: Mapping[str, Any] = dataclasses.field(
        default_factory=lambda: types.MappingProxyType({})
    )

    @property
    def class_name(self) -> str:
        """The name of the task's class, as presets record it."""
        return self.task.partition(":")[2]

    def load_task(self) -> type:
        """Imports the class of the task, and with it Keras."""
        return _load(self.task)

    def load_run(self) -> type:
        """Imports the dataclass of a training run."""
        return _load(self.run)

    def load_options(self) -> type | None:
        """Imports the dataclass of the verb's options."""
        return None if self.options is None else _load(self.options)

    def load_export_options(self) -> type | None:
        """Imports the dataclass of the options of an export."""
        options = self.export_options or self.options
        return None if options is None else _load(options)

    def load_runner(self) -> type:
        """Imports the class that runs the task's LiteRT files.

        Raises:
            ValueError: if the task has none.
        """
        if self.runner is None:
            raise ValueError(
                f"{self.class_name} cannot be exported to LiteRT: its TaskSpec has no "
                "`runner`. Export a SavedModel."
            )
        return _load(self.runner)

    def example(self, preset: str) -> str:
        """A command that predicts with a preset of the task."""
        inputs = {"image": "IMAGE", "question": '"QUESTION"'}
        words = [inputs.get(name, name.upper()) for name in self.inputs]
        return " ".join(["mmkeras", self.command or "predict", preset, *words])


def _load(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)
