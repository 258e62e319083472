from __future__ import annotations

import os
import pathlib


def image_path(folder: pathlib.Path, name: str, place: str) -> tuple[str, pathlib.Path]:
    """Finds the image that a row of a table names by its path from a folder.

    Args:
        folder: folder of the images.
        name: string, path from the folder.
        place: string, the file and the row, for the error.

    Returns:
        The path from the folder, with `/`, which serves as `image_id`, and the path.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if it is outside of the folder.
    """
    # Not resolved: a link in the folder counts as being in it, wherever it leads.
    root = pathlib.Path(os.path.abspath(folder))
    path = pathlib.Path(os.path.abspath(root / name))
    if not path.is_relative_to(root):
        raise ValueError(
            f"{place} names {name!r}, which is outside {folder}. Give paths from that "
            "folder."
        )
    if not name or not path.is_file():
        raise FileNotFoundError(
            f"{place} names the image {name!r}, and there is no file {path}. Add it, "
            "or delete the row."
        )
    return path.relative_to(root).as_posix(), path
