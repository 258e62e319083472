from __future__ import annotations

import argparse


def add_parser(
    commands: argparse._SubParsersAction, common: argparse.ArgumentParser
) -> None:
    """Add the command.

    Args:
        commands: the subparsers of `mmkeras`.
        common: parser of the flags that all commands share.
    """
    parser = commands.add_parser(
        "update", parents=[common], help="update presets of an older format"
    )
    parser.add_argument(
        "presets", nargs="+", metavar="PRESET", help="folder of a preset"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command.

    Args:
        args: the parsed command line.

    Returns:
        The exit code.
    """
    from mmkeras.models.update_preset import update_preset

    for preset in args.presets:
        changed = update_preset(preset)
        print(f"{'Updated' if changed else 'Nothing to update in'} {preset}")
    return 0
