"""Images of packages that a user has unpacked: reading, and storing in a dataset."""

from __future__ import annotations

import io
import os
import typing
import warnings

if typing.TYPE_CHECKING:
    from PIL import Image

# A clip-art image of this size would be 8,000 pixels square.
_MAX_PIXELS = 64_000_000
# Of 255. Anything that is not darker counts as paper.
_FAINTEST = 8


def open_image(path: str | os.PathLike, max_pixels: int = _MAX_PIXELS) -> Image.Image:
    """Read an image completely, or not at all.

    Args:
        path: path of a file that Pillow can read.
        max_pixels: int, maximum width times height according to the header.

    Returns:
        A `PIL.Image.Image` in RGBA.

    Raises:
        ValueError: if the file cannot be read to its end, or is too large. The message
            is the reason alone, for a list of files with their reasons.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            # `max_pixels` replaces the limit that Pillow warns of.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(path)
        with image:
            width, height = image.size
            if width * height > max_pixels:
                raise ValueError(f"{width} × {height} pixels, over {max_pixels}")
            return image.convert("RGBA")
    # Pillow's decoders raise different errors for the same corrupted bytes.
    except (OSError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        reason = str(error).replace(repr(os.fspath(path)), "the file")
        raise ValueError(reason or type(error).__name__) from error


def png_over_white(
    image: Image.Image, max_side: int | None = None, crop: bool = False
) -> bytes:
    """Encode an image as the PNG file that a dataset stores.

    Args:
        image: a `PIL.Image.Image` in RGBA.
        max_side: int, maximum length of the longer side in pixels, or `None` to keep
            the size. Images are never enlarged.
        crop: bool, whether to crop the white border.

    Returns:
        Bytes, a PNG in RGB that is white where the image is transparent.

    Raises:
        ValueError: if `crop` leaves no pixel.
    """
    from PIL import Image, ImageChops

    canvas = Image.new("RGBA", image.size, "white")
    # Scaled afterwards: the colour of transparent pixels must not bleed in.
    canvas = Image.alpha_composite(canvas, image).convert("RGB")
    if crop:
        ink = ImageChops.invert(canvas).point(lambda value: value * (value > _FAINTEST))
        if ink.getbbox() is None:
            raise ValueError("the image is completely white")
        canvas = canvas.crop(ink.getbbox())
    if max_side is not None:
        canvas.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    canvas.save(file, "PNG")
    return file.getvalue()
