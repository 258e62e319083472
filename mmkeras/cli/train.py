from __future__ import annotations

import argparse
import dataclasses

from mmkeras.cli.setting_flags import add_setting_flags, given_settings
from mmkeras.cli.start_tensorflow import start_tensorflow
from mmkeras.models.registry import task_specs


def add_parser(
    commands: argparse._SubParsersAction, common: argparse.ArgumentParser
) -> None:
    """Add the command.

    Args:
        commands: the subparsers of `mmkeras`.
        common: parser of the flags that all commands share.
    """
    parser = commands.add_parser("train", help="train a model")
    tasks = parser.add_subparsers(required=True, metavar="TASK", dest="task")
    for spec in task_specs().values():
        task = tasks.add_parser(
            spec.name,
            parents=[common],
            help=spec.summary,
            description="Trains a model and writes a preset to --output. --data and "
            "--output are required, unless --config gives them.",
        )
        task.add_argument(
            "--config", metavar="FILE", help="run.yaml of a run to repeat"
        )
        task.add_argument(
            "--overwrite",
            action="store_true",
            help="write to a folder that has files, and start an interrupted run from "
            "scratch",
        )
        add_setting_flags(task, spec.load_run())
        task.set_defaults(run=run, settings=[spec.load_run()])


def run(args: argparse.Namespace) -> int:
    """Run the command.

    Args:
        args: the parsed command line.

    Returns:
        The exit code.
    """
    spec = task_specs()[args.task]
    kind = spec.load_run()
    given = given_settings(args, kind)
    if args.config:
        settings = dataclasses.replace(kind.from_yaml(args.config), **given)
    else:
        _require(given)
        settings = kind(**given)
    start_tensorflow(args.debug)
    from mmkeras.training import train_task

    train_task(settings, overwrite=args.overwrite)
    print(f"Wrote {settings.output}. Try: {spec.example(settings.output)}")
    return 0


def _require(given) -> None:
    missing = [f"--{name}" for name in ("data", "output") if name not in given]
    if missing:
        raise ValueError(f"Give {' and '.join(missing)}, or --config FILE.")
