from __future__ import annotations


def over_white(picture, max_side: int | None = None) -> bytes:
    """A picture as the file that a dataset keeps.

    Args:
        picture: a `PIL.Image.Image` in RGBA.
        max_side: int, pixels that the longer side is scaled down to, or `None`
            for the size as it is. Nothing is scaled up.

    Returns:
        bytes, a PNG in RGB, with white where the picture is transparent.
    """
    import io

    from PIL import Image

    canvas = Image.new("RGBA", picture.size, "white")
    # Scaled afterwards: the colour of transparent pixels must not bleed in.
    canvas = Image.alpha_composite(canvas, picture).convert("RGB")
    if max_side is not None:
        canvas.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    canvas.save(file, "PNG")
    return file.getvalue()
