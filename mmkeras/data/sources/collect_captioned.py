from __future__ import annotations

import pathlib
import warnings

from mmkeras.data.sources.captioned_images import CaptionedImages


def collect_captioned(
    files: dict, captions: dict, folder: pathlib.Path, source: pathlib.Path
) -> CaptionedImages:
    """The captioned pictures of an annotation file, all of which must be there.

    Args:
        files: dict of the path from `folder` by image id.
        captions: dict of lists of strings by image id.
        folder: folder of the pictures.
        source: path of the annotation file, for errors and warnings.

    Returns:
        `CaptionedImages` in the order of `files`. Pictures without a caption are left
        out, with a warning that says how many.

    Raises:
        FileNotFoundError: if a captioned picture is not there.
        ValueError: if no picture has a caption.
    """
    found = CaptionedImages()
    for image_id, name in files.items():
        if not captions[image_id]:
            continue
        picture = folder / name
        if not picture.is_file():
            raise FileNotFoundError(
                f"{source} names {name!r} (image {image_id}), and there is no file "
                f"{picture}. Give the folder of the pictures as `images`, or delete "
                "what names it."
            )
        found.add(str(image_id), picture, captions[image_id])
    if not found.ids:
        raise ValueError(f"{source} has no captioned pictures.")
    bare = len(files) - len(found.ids)
    if bare:
        warnings.warn(
            f"{bare} of {len(files)} pictures of {source} have no caption and are left "
            "out.",
            stacklevel=3,
        )
    return found
