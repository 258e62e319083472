"""Dataclasses whose fields say what they may be: one source for checks and flags."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Collection
from typing import Any

from mmkeras.arguments.check_choice import check_choice
from mmkeras.arguments.real_number import real_number
from mmkeras.arguments.whole_number import whole_number

_LIMITS = ("minimum", "maximum", "above", "below")


def setting(
    default: Any = dataclasses.MISSING,
    help: str = "",
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: Collection[str] | None = None,
    role: str = "",
    flag: str = "",
) -> Any:
    """A dataclass field that documents and limits its values.

    Args:
        default: the default value; left out for a required field.
        help: string, one sentence for `--help`, without a final full stop.
        minimum: number, the smallest allowed value.
        maximum: number, the largest allowed value.
        above: number that the value must exceed.
        below: number that the value must be less than.
        choices: the allowed strings.
        role: string, what the field is for; the owner of the dataclass gives it a
            meaning.
        flag: string, the flag of the field on the command line without `--`, if it
            does not follow from the field's name.

    Returns:
        A dataclass field.
    """
    limits = {"minimum": minimum, "maximum": maximum, "above": above, "below": below}
    metadata = {"help": help, "choices": choices, "role": role, "flag": flag, **limits}
    return dataclasses.field(default=default, metadata=metadata)


def setting_types(cls: type) -> dict[str, tuple[type, bool]]:
    """The type of each field of a dataclass, and whether it may be `None`.

    Args:
        cls: a dataclass whose fields are of types such as `int`, `str | None` or
            `tuple[str, ...]`.

    Returns:
        dict from the name of the field to `(type, optional)`; for
        `tuple[str, ...]` the type is `tuple`.
    """
    hints = typing.get_type_hints(cls)
    found = {}
    for field in dataclasses.fields(cls):
        hint, optional = hints[field.name], False
        if isinstance(hint, types.UnionType):
            (hint,) = (one for one in typing.get_args(hint) if one is not type(None))
            optional = True
        found[field.name] = (typing.get_origin(hint) or hint, optional)
    return found


def check_settings(instance: Any) -> None:
    """Checks the fields of a dataclass against their types and limits.

    Integers and floats of NumPy are accepted, and replaced by Python's.

    Args:
        instance: an instance of a dataclass made with `setting`, frozen or not.

    Raises:
        ValueError: if a value has the wrong type or is out of range; the message
            names the field.
    """
    known = setting_types(type(instance))
    for field in dataclasses.fields(instance):
        value = getattr(instance, field.name)
        kind, optional = known[field.name]
        if value is None and optional:
            continue
        checked = _checked(field.name, value, kind, field.metadata, optional)
        # The dataclass may be frozen.
        object.__setattr__(instance, field.name, checked)


def _checked(name, value, kind, metadata, optional):
    if metadata.get("choices"):
        check_choice(name, value, metadata["choices"])
    elif kind is bool or kind is str or kind is tuple:
        if not isinstance(value, kind):
            raise _wrong_type(name, value, kind, optional)
    elif isinstance(value, bool):
        raise _wrong_type(name, value, kind, optional)
    elif kind is int:
        value = whole_number(
            name, value, metadata.get("minimum"), metadata.get("maximum")
        )
    elif kind is float:
        limits = {limit: metadata.get(limit) for limit in _LIMITS}
        value = real_number(name, value, **limits)
    return value


def _wrong_type(name, value, kind, optional) -> ValueError:
    names = {bool: "a bool", int: "an integer", float: "a number", str: "a string"}
    wanted = names.get(kind, f"a {kind.__name__}") + (" or None" if optional else "")
    return ValueError(f"`{name}` must be {wanted}. Received: {name}={value!r}.")
