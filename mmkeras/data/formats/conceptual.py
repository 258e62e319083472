"""The table of Conceptual Captions, and what img2dataset writes beside images."""

from __future__ import annotations

import os
from typing import NamedTuple

from mmkeras.data.formats.check_caption import check_caption
from mmkeras.data.formats.read_json import read_json, require_keys
from mmkeras.data.formats.read_text import read_text


class ConceptualRow(NamedTuple):
    """A row of Conceptual Captions.

    Attributes:
        place: string, the file and the line.
        caption: string, as it is written.
        url: string, the address of the image.
    """

    place: str
    caption: str
    url: str


def read_conceptual(path: str | os.PathLike) -> list[ConceptualRow]:
    """Reads the table of Conceptual Captions.

    Args:
        path: path of the TSV (caption, a tab, the address), with or without the header
            `caption`, tab, `url` that img2dataset requires.

    Returns:
        List of `ConceptualRow`.

    Raises:
        FileNotFoundError: if the file does not exist.
        IsADirectoryError: if it is a folder.
        ValueError: if the file is not UTF-8, a row does not have this form, a caption
            is empty, or there are no rows.

    Reference:
        - [Sharma et al., 2018](https://aclanthology.org/P18-1238)
    """
    rows = []
    # Not `splitlines`, which also splits at characters that a caption may have.
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip() or (number == 1 and line.split() == ["caption", "url"]):
            continue
        place = f"{path}, line {number}"
        parts = line.split("\t")
        if len(parts) != 2 or not parts[1].strip():
            raise ValueError(
                f"{place} must be a caption, a tab and an address. It is "
                f"{line.strip()[:60]!r}."
            )
        caption = check_caption(parts[0], place)
        rows.append(ConceptualRow(place, caption, parts[1].strip()))
    if not rows:
        raise ValueError(f"{path} has no rows.")
    return rows


def read_image_url(path: str | os.PathLike) -> str:
    """Reads the address of an image from the JSON that img2dataset writes beside it.

    Args:
        path: path of the JSON.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if the file is not UTF-8, not JSON, or has no `url`.
    """
    form = "an object with 'url', as img2dataset writes it beside an image"
    data = read_json(path, form)
    require_keys(data, ("url",), f"{path}, which img2dataset writes beside an image,")
    return data["url"]
