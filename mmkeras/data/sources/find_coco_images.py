from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Collection

# COCO's names, with or without the split, and those of the abstract scenes.
_NAME = re.compile(
    r"(?:COCO_\w+_|abstract_v\d+_\w+_)?0*(\d+)\.(?:jpe?g|png)", re.IGNORECASE
)


def find_coco_images(
    images: str | os.PathLike, subfolder: str | None, wanted: Collection[str]
) -> dict[str, pathlib.Path]:
    """Finds images by the number in their names, as COCO names them.

    Args:
        images: folder of the images: `COCO_val2014_000000262148.jpg`,
            `000000262148.jpg` or `abstract_v002_val2015_000000020000.png`.
        subfolder: string, name of a folder in it that is searched instead, if it
            exists, or `None`.
        wanted: image ids without leading zeros (`"262148"`).

    Returns:
        Dict from image id to path, of the wanted images that exist.

    Raises:
        FileNotFoundError: if the folder does not exist.
        ValueError: if two images have the same wanted number.
    """
    folder = pathlib.Path(images)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}.")
    if subfolder and (folder / subfolder).is_dir():
        folder = folder / subfolder
    found: dict[str, pathlib.Path] = {}
    # The folder is listed once instead of asking for each of 80,000 files.
    for name in sorted(os.listdir(folder)):
        match = _NAME.fullmatch(name)
        if match is None or match[1] not in wanted:
            continue
        if match[1] in found:
            raise ValueError(
                f"{folder} has two images of number {match[1]}: "
                f"{found[match[1]].name} and {name}. Keep one of them there."
            )
        found[match[1]] = folder / name
    return found
