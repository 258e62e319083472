from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable


def list_images(places: Iterable[str]) -> list[str]:
    """List images and the images in folders.

    Args:
        places: paths of images, and of folders, which are searched recursively.

    Returns:
        list of paths, those of a folder in alphabetical order.

    Raises:
        FileNotFoundError: if a folder has no images.
    """
    paths = []
    for place in places:
        paths += _in_folder(place) if os.path.isdir(place) else [place]
    return paths


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
