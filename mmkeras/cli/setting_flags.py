"""Flags that follow from the fields of a dataclass of settings."""

from __future__ import annotations

import argparse
import dataclasses
import re
from collections.abc import Collection, Iterable
from typing import Any

from mmkeras.arguments import setting_types

# Limits of the data type, which help nobody.
_HUGE = 2**31 - 1
_METAVARS = {int: "N", float: "X", str: "TEXT"}


def add_setting_flags(
    parser: argparse.ArgumentParser, cls: type, without: Collection[str] = ()
) -> None:
    """Add a flag for each field of a dataclass, with its help, range and default.

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
        options: dict[str, Any] = {"help": _help(field, kind)}
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
    """Return the settings whose flags were given, by the names of their fields.

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
    """Return the flag of a field, e.g. `"--num-beams"` of `num_beams`."""
    return _flag(field.metadata["flag"] or field.name)


def in_flags(
    message: str, classes: Iterable[type] = (), names: Iterable[str] = ()
) -> str:
    """Rewrite a message about arguments as one about flags.

    Args:
        message: string, e.g. "`num_beams` must be ... Received: num_beams=0.".
        classes: dataclasses whose fields are flags.
        names: other arguments that are flags.

    Returns:
        string, e.g. "--num-beams must be ... Received: --num-beams 0.".
    """
    flags = {name: _flag(name) for name in names}
    for cls in classes:
        flags |= {field.name: flag_of(field) for field in dataclasses.fields(cls)}
    for name, flag in flags.items():
        message = message.replace(f"`{name}`", flag)
        given = rf"(?<![\w`.]){re.escape(name)}="
        message = re.sub(rf"{given}None\b", f"no {flag}", message)
        message = re.sub(rf"{given}True\b", flag, message)
        message = re.sub(rf"{given}False\b", f"--no-{flag[2:]}", message)
        message = re.sub(rf"{given}'([\w./-]+)'", rf"{flag} \1", message)
        message = re.sub(rf"{given}(?=\S)", f"{flag} ", message)
        # Some messages name the flag in parentheses.
        message = message.replace(f"{flag} ({flag})", flag)
    return message


def _flag(name) -> str:
    return "--" + name.replace("_", "-")


def _help(field, kind) -> str:
    text, _, stated = field.metadata["help"].partition(" (default")
    notes = [_range(field.metadata, kind)]
    if stated:
        notes.append("default" + stated.removesuffix(")"))
    elif field.default not in (None, (), dataclasses.MISSING):
        notes.append(f"default: {field.default}")
    notes = "; ".join(filter(None, notes))
    # argparse formats help with the operator `%`.
    return (f"{text} ({notes})" if notes else text).replace("%", "%%")


def _range(metadata, kind) -> str:
    """The allowed values, empty for all numbers that make sense anyway."""
    limits = {
        "at least": metadata["minimum"],
        "above": metadata["above"],
        "at most": metadata["maximum"],
        "below": metadata["below"],
    }
    limits = {
        word: limit
        for word, limit in limits.items()
        if limit is not None and abs(limit) < _HUGE
    }
    obvious = {"at least": (0, 1) if kind is int else (0,), "above": (0,)}
    if len(limits) == 1 and all(v in obvious.get(w, ()) for w, v in limits.items()):
        return ""
    return ", ".join(f"{word} {limit:g}" for word, limit in limits.items())
