"""How the drawings of a page are called."""

from __future__ import annotations

import pathlib


def drawing_name(picture: pathlib.Path, what: object) -> str:
    """The name of the file of a drawing of a picture.

    Args:
        picture: path of the picture, whose ending is a part of the name: `cat.png`
            and `cat.jpg` of a folder have drawings of their own.
        what: what is drawn of it.
    """
    return f"{picture.name}_{what}.png"
