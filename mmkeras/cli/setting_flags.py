"""Flags that follow from the fields of a dataclass of settings."""

from __future__ import annotations

import argparse
import dataclasses
import re
from collections.abc import Collection, Iterable
from typing import Any

from mmkeras.arguments.settings import setting_types


def add_setting_flags(
    parser: argparse.ArgumentParser, cls: type, without: Collection[str] = ()
) -> None:
    """Adds a flag for each field of a dataclass, with its help and its default.

    A flag that is not given leaves no attribute behind.

    Args:
        parser: a parser, or a group of one.
        cls: a dataclass made with `mmkeras.arguments.settings.setting`.
        without: names of fields that get no flag.
    """
    types = setting_types(cls)
    for field in dataclasses.fields(cls):
        if field.name in without:
            continue
        kind, _ = types[field.name]
        options: dict[str, Any] = {"help": _help(field)}
        if kind is bool:
            options["action"] = argparse.BooleanOptionalAction
        elif kind is tuple:
            options |= {"action": "append", "metavar": "TEXT"}
        else:
            options |= {"type": kind, "choices": field.metadata["choices"]}
            options["metavar"] = None if options["choices"] else _METAVARS[kind]
        parser.add_argument(
            flag_of(field), dest=field.name, default=argparse.SUPPRESS, **options
        )


def given_settings(
    args: argparse.Namespace, cls: type, without: Collection[str] = ()
) -> dict[str, Any]:
    """The settings whose flags were given, by the names of their fields.

    Args:
        args: the parsed command line.
        cls: the dataclass.
        without: names of fields that have no flag.
    """
    names = [field.name for field in dataclasses.fields(cls)]
    return {
        name: getattr(args, name)
        for name in names
        if name not in without and hasattr(args, name)
    }


def flag_of(field: dataclasses.Field) -> str:
    """The flag of a field: `--num-beams` of `num_beams`."""
    return "--" + (field.metadata["flag"] or field.name.replace("_", "-"))


def in_flags(message: str, classes: Iterable[type]) -> str:
    """A message about settings as one about their flags.

    Args:
        message: string, e.g. "`num_beams` must be ... Received: num_beams=0.".
        classes: dataclasses whose fields are flags.

    Returns:
        string, e.g. "--num-beams must be ... Received: --num-beams 0.".
    """
    for cls in classes:
        for field in dataclasses.fields(cls):
            flag, name = flag_of(field), re.escape(field.name)
            message = re.sub(rf"`{name}`", flag, message)
            message = re.sub(rf"(?<![\w`.]){name}=(?=\S)", f"{flag} ", message)
    return message


_METAVARS = {int: "N", float: "X", str: "TEXT"}


def _help(field) -> str:
    text = field.metadata["help"]
    default = field.default
    unknown = default in (None, (), dataclasses.MISSING) or "default" in text
    # argparse formats help with the operator `%`.
    return (text if unknown else f"{text} (default: {default})").replace("%", "%%")
