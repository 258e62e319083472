"""The `mmkeras` command."""

from __future__ import annotations

import argparse
import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import NoReturn

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
# Arguments of the API that are flags of a command, and of no dataclass of settings.
_ARGUMENTS = (
    "allow_missing",
    "batch_size",
    "batch_threads",
    "evaluators",
    "limit",
    "max_batch_size",
    "max_body_bytes",
    "metrics",
    "min_identical",
    "on_error",
    "overwrite",
    "poll_seconds",
    "precision",
    "queue_length",
    "request_timeout",
    "samples",
    "serving_config",
    "tokenizer",
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: list of strings, or `None` for those of the process.

    Returns:
        The exit code: 0 for success, 1 if some inputs failed, 2 if nothing could be
        done, 130 if the command was interrupted.
    """
    parser = build_parser()
    args, rest = parser.parse_known_args(arguments)
    # Some flags depend on the task of the preset that the command names.
    if rest and not hasattr(args, "parse_rest"):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    with _short_warnings(args):
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
            text = _about_flags(_one_line(error), args)
            print(f"mmkeras: error: {text}", file=sys.stderr)
            return 2


class Parser(argparse.ArgumentParser):
    """A parser whose errors have the form of all errors of the command."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"mmkeras: error: {message}. See {self.prog} --help.\n")


def build_parser() -> Parser:
    """Return the parser of all commands, which imports neither TensorFlow nor Keras."""
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


@contextlib.contextmanager
def _short_warnings(args) -> Iterator[None]:
    """Print warnings like errors, without the place in the code."""

    def show(message, category, filename, lineno, file=None, line=None):
        text = _about_flags(" ".join(str(message).split()), args)
        print(f"mmkeras: warning: {text}", file=sys.stderr)

    with warnings.catch_warnings():
        if not args.debug:
            warnings.showwarning = show
        yield


def _about_flags(message, args) -> str:
    names = [name for name in _ARGUMENTS if hasattr(args, name)]
    return in_flags(message, getattr(args, "settings", ()), names)


def _one_line(error: Exception) -> str:
    # TensorFlow puts the reason first, and its place in the graph after it.
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    text = " ".join(lines[:3])
    expected = isinstance(error, (ValueError, OSError, ImportError))
    if expected or type(error).__module__.startswith("tensorflow."):
        return text
    return f"{type(error).__name__}: {text} (--debug shows the traceback)"
