"""Flags that depend on the task of the preset that a command names."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Collection
from typing import Any

from mmkeras.cli.preset_spec import preset_spec
from mmkeras.cli.setting_flags import add_setting_flags, given_settings
from mmkeras.models.task_spec import TaskSpec

_SEARCH = ("num_beams", "temperature", "top_k", "top_p")


def parse_task_options(
    args: argparse.Namespace,
    rest: list[str],
    spec: TaskSpec,
    options: type | None,
    add_flags: Callable[[argparse.ArgumentParser], None] | None = None,
    without: Collection[str] = (),
) -> dict[str, Any]:
    """Parse the flags of a task.

    Args:
        args: the parsed command line, which gets the values of the flags.
        rest: list of strings, what the command's parser did not recognize.
        spec: the task.
        options: the dataclass of its options, or `None`.
        add_flags: function that adds other flags to the parser, or `None`.
        without: names of options that get no flag.

    Returns:
        dict of the given options.
    """
    parser = _Parser(prog=f"mmkeras {args.command}", add_help=False)
    if add_flags is not None:
        add_flags(parser)
    if options is not None:
        add_setting_flags(parser, options, without)
        args.settings = [options]
    unknown = parser.parse_known_args(rest, args)[1]
    if unknown:
        parser.error(
            f"unrecognized arguments of a preset of {spec.name}: {' '.join(unknown)}"
        )
    return {} if options is None else given_settings(args, options, without)


def verb_options(spec: TaskSpec, preset: str, options: dict[str, Any]) -> dict:
    """Check the options of a task's verb before TensorFlow is imported.

    Args:
        spec: the task.
        preset: string, the path of its preset, for messages.
        options: dict of the given options.

    Returns:
        dict of the options, with as many beams as outputs if the search is not chosen.

    Raises:
        ValueError: if an option is unknown or out of range.
    """
    cls = spec.load_options()
    known = set() if cls is None else {field.name for field in dataclasses.fields(cls)}
    unknown = sorted(options.keys() - known)
    if unknown:
        raise ValueError(
            f"{preset} holds the task {spec.class_name}, which has no such options. "
            f"Remove {', '.join(f'`{name}`' for name in unknown)}."
        )
    number = options.get("num_sequences", 1)
    if number > 1 and "num_beams" in known and not options.keys() & set(_SEARCH):
        # Greedy search has a single output.
        options = {**options, "num_beams": number}
    if cls is not None:
        cls(**options)
    return options


class TaskHelp(argparse.Action):
    """Prints the help of a command, with the flags of the preset's task.

    Args:
        options: string, the method of `TaskSpec` that loads the options.
        extra: function that adds other flags of a task to a parser, or `None`.
        **kwargs: passed to `argparse.Action`.
    """

    def __init__(self, *args: Any, options: str, extra: Any = None, **kwargs: Any):
        super().__init__(
            *args, nargs=0, help="show this help message and exit", **kwargs
        )
        self._options, self._extra = options, extra

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        preset = getattr(namespace, "preset", None)
        if preset is not None:
            spec = self._spec(parser, preset)
            if self._extra is not None:
                self._extra(parser, spec)
            options = getattr(spec, self._options)()
            if options is not None:
                group = parser.add_argument_group(f"options of {spec.name}")
                add_setting_flags(group, options)
        parser.print_help()
        parser.exit()

    def _spec(self, parser, preset) -> TaskSpec:
        try:
            return preset_spec(preset)
        except (OSError, ValueError) as error:
            parser.error(str(error).rstrip("."))


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"mmkeras: error: {message}. See {self.prog} PRESET --help.\n")
