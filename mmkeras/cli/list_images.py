from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable


def list_images(places: Iterable[str]) -> list[str]:
    """Images by their paths.

    Args:
        places: paths of images, and of folders, whose images are found at any
            depth, in the order of their names.

    Raises:
        FileNotFoundError: if a folder has no images.
    """
    found = []
    for place in places:
        found += _in_folder(place) if os.path.isdir(place) else [place]
    return found


def _in_folder(folder) -> list[str]:
    from mmkeras.data.formats import IMAGE_ENDINGS

    paths = sorted(
        path
        for path in pathlib.Path(folder).rglob("*")
        # macOS leaves hidden companions ("._cat.jpg") of images on other disks.
        if path.suffix.lower() in IMAGE_ENDINGS and not path.name.startswith(".")
    )
    if not paths:
        endings = ", ".join(IMAGE_ENDINGS)
        raise FileNotFoundError(
            f"There are no images ({endings}) in the folder {folder}."
        )
    return [os.fspath(path) for path in paths]
