"""The `mmkeras` command."""

from __future__ import annotations

import argparse
import sys

from mmkeras import __version__
from mmkeras.cli import ask, caption, evaluate, export, info, serve, train

_COMMANDS = (train, caption, ask, evaluate, export, serve, info)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: list of strings, or `None` for those of the process.

    Returns:
        The exit code: 0 when all went well, 1 when some pictures failed, 2 when
        nothing could be done.
    """
    args = build_parser().parse_args(arguments)
    try:
        return args.run(args) or 0
    except KeyboardInterrupt:
        print("mmkeras: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if args.debug:
            raise
        print(f"mmkeras: error: {_one_line(error)}", file=sys.stderr)
        return 2


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"mmkeras: error: {message}. See {self.prog} --help.\n")


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; it imports neither TensorFlow nor Keras."""
    parser = _Parser(
        prog="mmkeras",
        description="Train, use, measure and export models of pictures and text.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    debug = argparse.ArgumentParser(add_help=False)
    debug.add_argument(
        "--debug", action="store_true", help="show where an error comes from"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in _COMMANDS:
        module.add_parser(commands, debug)
    return parser


def _one_line(error: Exception) -> str:
    # TensorFlow puts the reason first, and where in the graph it was after it.
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    text = " ".join(lines[:3])
    foreseen = isinstance(error, (ValueError, OSError, ImportError))
    if foreseen or type(error).__module__.startswith("tensorflow."):
        return text
    return f"{type(error).__name__}: {text} (--debug shows where it comes from)"
