from __future__ import annotations

import os
import warnings

# A clip-art picture of this size would be 8,000 pixels square.
_MAX_PIXELS = 64_000_000


def open_image(path: str | os.PathLike, max_pixels: int = _MAX_PIXELS):
    """Reads a picture of a folder that a user unpacked, whole or not at all.

    Args:
        path: file that Pillow can read.
        max_pixels: int, width times height that the header may state.

    Returns:
        A `PIL.Image.Image` in RGBA.

    Raises:
        ValueError: if the file cannot be read to its end, or is too large. The
            message is the reason alone, for a list of files with theirs.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            # Pillow's own limit warns of what ours lets pass or refuses.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(path)
        with picture:
            width, height = picture.size
            if width * height > max_pixels:
                raise ValueError(f"{width} × {height} pixels, over {max_pixels}")
            return picture.convert("RGBA")
    # Pillow's decoders fail each in their own way on the same broken bytes.
    except (OSError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        reason = str(error).replace(repr(os.fspath(path)), "the file")
        raise ValueError(reason or type(error).__name__) from error
