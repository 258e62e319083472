"""Griffe extension: docstring sections of Keras that the Google style does not have."""

from __future__ import annotations

import re

import griffe

# Lists of names with descriptions, which Google's style knows as `Args` only.
_LISTS = ("Call arguments",)
_RETURNS = re.compile(r"^Returns:$", re.MULTILINE)
_ITEM = re.compile(r"( {4})([\w*, ]+): ")


class KerasDocstrings(griffe.Extension):
    """Turn sections of Keras's docstrings into what Griffe's Google style reads."""

    def on_object(self, *, obj: griffe.Object, **kwargs: object) -> None:
        if obj.docstring is not None:
            text = _to_google_style(obj.docstring.value)
            if obj.is_class:
                # What its instances return, of which Griffe knows no annotation.
                text = _RETURNS.sub("Output:", text)
            obj.docstring.value = text


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
