from __future__ import annotations

import pathlib
import warnings
from collections.abc import Iterable

from mmkeras.data.sources.image_table import ImageTable


def collect_captioned(
    images: Iterable[tuple[str, str, list[str]]],
    folder: pathlib.Path,
    source: pathlib.Path,
) -> ImageTable:
    """Collects the captioned images of an annotation file.

    Args:
        images: tuples of image id, path from `folder`, and captions, from which the
            surrounding white space is removed.
        folder: folder of the images.
        source: path of the annotation file, for errors and warnings.

    Returns:
        `ImageTable` with `captions`, in the same order. Images without a caption are
        skipped, with a warning that counts them.

    Raises:
        FileNotFoundError: if a captioned image does not exist.
        ValueError: if no image has a caption.
    """
    table, total = ImageTable([], [], {"captions": []}), 0
    for image_id, name, captions in images:
        total += 1
        if not captions:
            continue
        path = folder / name
        if not path.is_file():
            raise FileNotFoundError(
                f"{source} names {name!r} (image {image_id}), and there is no file "
                f"{path}. Give the folder of the images as `images`, or delete what "
                "names it."
            )
        table.ids.append(str(image_id))
        table.paths.append(path)
        table.columns["captions"].append([text.strip() for text in captions])
    if not table.ids:
        raise ValueError(f"{source} has no captioned images.")
    bare = total - len(table.ids)
    if bare:
        warnings.warn(
            f"{bare} of {total} images of {source} have no caption and are skipped.",
            stacklevel=3,
        )
    return table
