"""The command line's flags of `mmkeras.decoding.DecodingOptions`."""

from __future__ import annotations

import argparse
import dataclasses

from mmkeras.arguments.settings import setting_types
from mmkeras.decoding import DecodingOptions


def add_decoding_flags(
    parser: argparse.ArgumentParser, without: tuple[str, ...] = ()
) -> None:
    """Adds a flag for each decoding option to the parser of a command.

    Args:
        parser: the parser of the command.
        without: strings, options that the command has no flag for, e.g. `"top_k"`.
    """
    group = parser.add_argument_group("decoding")
    types = setting_types(DecodingOptions)
    for field in _fields(without):
        kind, _ = types[field.name]
        if kind is tuple:
            how = {"action": "append", "metavar": "WORD"}
        else:
            how = {"type": kind}
        group.add_argument(
            _flag(field),
            dest=field.name,
            help=_help(field),
            default=argparse.SUPPRESS,
            **how,
        )


def decoding_options(args: argparse.Namespace, without: tuple[str, ...] = ()) -> dict:
    """The decoding options that were given, as keyword arguments.

    Args:
        args: the parsed arguments of the command.
        without: strings, options that the command has no flag for.

    Returns:
        dict of arguments of `DecodingOptions`.
    """
    names = [field.name for field in _fields(without)]
    return {name: getattr(args, name) for name in names if hasattr(args, name)}


def given_decoding_flags(
    args: argparse.Namespace, without: tuple[str, ...] = ()
) -> list[str]:
    """The decoding flags that were given, e.g. `["--num-beams"]`.

    Args:
        args: the parsed arguments of the command.
        without: strings, options that the command has no flag for.

    Returns:
        list of strings.
    """
    return [_flag(field) for field in _fields(without) if hasattr(args, field.name)]


def _fields(without) -> list[dataclasses.Field]:
    fields = dataclasses.fields(DecodingOptions)
    return [field for field in fields if field.name not in without]


def _flag(field) -> str:
    return "--" + (field.metadata["role"] or field.name).replace("_", "-")


def _help(field) -> str:
    shown = field.metadata["help"]
    if field.default not in (None, ()):
        shown += f" (default: {field.default})"
    return shown.replace("%", "%%")
