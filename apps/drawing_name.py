"""File names of drawings."""

from __future__ import annotations

import pathlib


def drawing_name(image: pathlib.Path, content: object) -> str:
    """Return the file name of a drawing of an image.

    Args:
        image: path of the image. Its extension is part of the name, so that `cat.png`
            and `cat.jpg` in one folder have different drawings.
        content: what is drawn, e.g. `"attention_00"`.
    """
    return f"{image.name}_{content}.png"
