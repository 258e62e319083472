from __future__ import annotations


def check_caption(caption: object, place: str) -> str:
    """A caption without the space around it.

    Args:
        caption: what an annotation file has as one.
        place: string, where it stands and what it is of, for the error.

    Raises:
        ValueError: if it is not a string, or empty.
    """
    if not isinstance(caption, str):
        raise ValueError(
            f"{place} has {caption!r} as a caption, which must be a string."
        )
    if not caption.strip():
        raise ValueError(f"{place} has an empty caption. Write one, or delete it.")
    return caption.strip()
