"""The tasks that there are: ours, and those of plugins."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable
from typing import TypeVar

from mmkeras.models.run import Run
from mmkeras.models.task_spec import TaskSpec

ENTRY_POINTS = "mmkeras.tasks"
# The modules of the specs of our own tasks.
BUILT_IN = (
    "mmkeras.models.image_captioner.spec",
    "mmkeras.models.visual_qa.spec",
    "mmkeras.models.generative_visual_qa.spec",
)

_registered: dict[str, TaskSpec] = {}
_Task = TypeVar("_Task", bound=type)


def register_task(spec: TaskSpec) -> Callable[[_Task], _Task]:
    """Registers a task, as a decorator of its class.

    A plugin registers its tasks before they are imported by naming its `TaskSpec` in
    the entry-point group `mmkeras.tasks` of its `pyproject.toml`.

    Args:
        spec: a `TaskSpec`.

    Returns:
        A function that sets `spec` on a class and returns the class.

    Raises:
        ValueError: if another task is registered by that name.

    Example:
        ```python
        @mmkeras.models.register_task(SPEC)
        @keras.saving.register_keras_serializable(package="my_plugin")
        class ImageTagger(mmkeras.models.Task):
            ...
        ```
    """
    _add(spec)

    def decorate(cls: _Task) -> _Task:
        cls.spec = spec
        return cls

    return decorate


def task_specs() -> dict[str, TaskSpec]:
    """All tasks by name: the built-in ones, those of plugins, those registered.

    Raises:
        ImportError: if the entry point of a plugin cannot be loaded.
        ValueError: if two tasks have the same name.
    """
    built_in = {spec.name: spec for spec in built_in_specs()}
    for spec in built_in.values():
        _add(spec)
    for entry in importlib.metadata.entry_points(group=ENTRY_POINTS):
        try:
            spec = entry.load()
        except Exception as error:
            raise ImportError(
                f"The plugin {entry.dist.name if entry.dist else entry.name} has the "
                f"entry point {entry.name} = {entry.value}, which cannot be loaded: "
                f"{error} Reinstall or uninstall the plugin."
            ) from error
        _add(spec)
    # In an order that does not depend on which task was imported first.
    return {**built_in, **_registered}


def built_in_specs() -> list[TaskSpec]:
    """The tasks of mmkeras itself."""
    return [importlib.import_module(module).SPEC for module in BUILT_IN]


def spec_of_class(class_name: str) -> TaskSpec | None:
    """The task whose class has a name, or `None`.

    Args:
        class_name: string, e.g. `"ImageCaptioner"`, as in `task.json` of a preset.
    """
    specs = task_specs().values()
    return next((spec for spec in specs if spec.class_name == class_name), None)


def spec_of_run(run: Run) -> TaskSpec:
    """The task that a training run is for.

    Args:
        run: a `Run`.

    Raises:
        ValueError: if no registered task has runs of this class.
    """
    for spec in task_specs().values():
        if spec.load_run() is type(run):
            return spec
    raise ValueError(
        f"No registered task has runs of the class {type(run).__name__}. Register the "
        "task with `register_task`."
    )


def _add(spec: TaskSpec) -> None:
    known = _registered.setdefault(spec.name, spec)
    if known != spec:
        raise ValueError(
            f"A task named {spec.name!r} is registered already ({known.task}). Choose "
            f"another name for {spec.task}."
        )
