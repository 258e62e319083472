"""Griffe extension: what Griffe does not know of mmkeras's sources.

These are the docstring sections of Keras that the Google style does not have, and the
defaults of the settings of dataclasses.
"""

from __future__ import annotations

import re

import griffe

# Lists of names with descriptions, which Google's style knows as `Args` only.
_LISTS = ("Call arguments",)
_RETURNS = re.compile(r"^Returns:$", re.MULTILINE)
_ITEM = re.compile(r"( {4})([\w*, ]+): ")


class KerasDocstrings(griffe.Extension):
    """Turn Keras's docstrings, and settings, into what Griffe reads."""

    def on_attribute_instance(
        self, *, attr: griffe.Attribute, **kwargs: object
    ) -> None:
        value = attr.value
        if isinstance(value, griffe.ExprCall) and str(value.function) == "setting":
            attr.value = _default(value)

    def on_object(self, *, obj: griffe.Object, **kwargs: object) -> None:
        if obj.docstring is not None:
            text = _to_google_style(obj.docstring.value)
            if obj.is_class:
                # What its instances return, of which Griffe knows no annotation.
                text = _RETURNS.sub("Output:", text)
            obj.docstring.value = text


def _default(call: griffe.ExprCall) -> str | griffe.Expr | None:
    """The default of a `mmkeras.arguments.setting`, `None` if it has none."""
    for index, argument in enumerate(call.arguments):
        keyword = isinstance(argument, griffe.ExprKeyword)
        if keyword and argument.name == "default":
            return argument.value
        if not keyword and index == 0:
            return argument
    return None


def _to_google_style(text: str) -> str:
    lines = []
    section = ""
    for line in text.splitlines():
        if re.fullmatch(r"\w[\w ]*:", line):
            section = line[:-1]
            line = "Examples:" if section == "Example" else line
        elif section in _LISTS:
            line = _ITEM.sub(r"\1- **`\2`**: ", line)
        lines.append(line)
    return "\n".join(lines)
