from __future__ import annotations

import io

# Of 255. What is no darker is paper.
_FAINTEST = 8


def over_white(picture, max_side: int | None = None, crop: bool = False) -> bytes:
    """A picture as the file that a dataset keeps.

    Args:
        picture: a `PIL.Image.Image` in RGBA.
        max_side: int, pixels that the longer side is scaled down to, or `None`
            for the size as it is. Nothing is scaled up.
        crop: bool, whether to cut off the white around what is drawn.

    Returns:
        bytes, a PNG in RGB, with white where the picture is transparent.

    Raises:
        ValueError: if `crop` leaves nothing.
    """
    from PIL import Image, ImageChops

    canvas = Image.new("RGBA", picture.size, "white")
    # Scaled afterwards: the colour of transparent pixels must not bleed in.
    canvas = Image.alpha_composite(canvas, picture).convert("RGB")
    if crop:
        ink = ImageChops.invert(canvas).point(lambda value: value * (value > _FAINTEST))
        if ink.getbbox() is None:
            raise ValueError("it is all white")
        canvas = canvas.crop(ink.getbbox())
    if max_side is not None:
        canvas.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    canvas.save(file, "PNG")
    return file.getvalue()
