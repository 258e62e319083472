from __future__ import annotations


def check_caption(caption: object, place: str) -> str:
    """Checks a caption of a file.

    Args:
        caption: the value that the file has.
        place: string, the file and the row, for the error.

    Returns:
        The caption as it is written.

    Raises:
        ValueError: if it is not a string, or empty.
    """
    if not isinstance(caption, str):
        raise ValueError(
            f"{place} has {caption!r} as a caption, which must be a string."
        )
    if not caption.strip():
        raise ValueError(f"{place} has an empty caption. Write one, or delete it.")
    return caption
