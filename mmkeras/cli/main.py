"""The `mmkeras` command."""

from __future__ import annotations

import argparse
import sys

from mmkeras import __version__
from mmkeras.cli import (
    ask,
    caption,
    evaluate,
    export,
    info,
    predict,
    serve,
    train,
    update,
)
from mmkeras.cli.setting_flags import in_flags

_COMMANDS = (train, predict, caption, ask, evaluate, export, serve, info, update)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: list of strings, or `None` for those of the process.

    Returns:
        The exit code: 0 for success, 1 if some inputs failed, 2 if nothing could be
        done.
    """
    parser = build_parser()
    args, rest = parser.parse_known_args(arguments)
    # Some flags depend on the task of the preset that the command names.
    if rest and not hasattr(args, "parse_rest"):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        if hasattr(args, "parse_rest"):
            args.parse_rest(args, rest)
        return args.run(args) or 0
    except KeyboardInterrupt:
        print("mmkeras: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if args.debug:
            raise
        text = in_flags(_one_line(error), getattr(args, "settings", ()))
        print(f"mmkeras: error: {text}", file=sys.stderr)
        return 2


class Parser(argparse.ArgumentParser):
    """A parser whose errors have the form of all errors of the command."""

    def error(self, message):
        self.exit(2, f"mmkeras: error: {message}. See {self.prog} --help.\n")


def build_parser() -> Parser:
    """The parser of all commands; it imports neither TensorFlow nor Keras."""
    parser = Parser(
        prog="mmkeras",
        description="Train, use, evaluate and export models of images and text.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    debug = argparse.ArgumentParser(add_help=False)
    debug.add_argument(
        "--debug", action="store_true", help="show the traceback of an error"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for module in _COMMANDS:
        module.add_parser(commands, debug)
    return parser


def _one_line(error: Exception) -> str:
    # TensorFlow puts the reason first, and its place in the graph after it.
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    text = " ".join(lines[:3])
    expected = isinstance(error, (ValueError, OSError, ImportError))
    if expected or type(error).__module__.startswith("tensorflow."):
        return text
    return f"{type(error).__name__}: {text} (--debug shows the traceback)"
