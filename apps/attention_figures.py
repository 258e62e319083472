"""Cross-attention of a captioner, drawn over an image for each token."""

from __future__ import annotations

import io
import pathlib

import numpy as np

from apps.drawing_name import drawing_name


def attention_figures(
    captioner, path: pathlib.Path, caption: str, folder: pathlib.Path
) -> list[tuple[str, str]]:
    """Draw the attention of each token of a caption over its image.

    Args:
        captioner: an `ImageCaptioner`.
        path: path of the image.
        caption: string, a caption of the image.
        folder: folder that receives the drawings.

    Returns:
        List of `(token, name of its drawing)`, which the macro of
        `apps/attention.html` shows.
    """
    tokens, maps = captioner.attention(path, caption)
    figures = []
    for index, (token, weights) in enumerate(zip(tokens, maps, strict=True)):
        name = drawing_name(path, f"attention_{index:02}")
        (folder / name).write_bytes(_overlay(path, weights))
        figures.append((token, name))
    return figures


def _overlay(path, weights) -> bytes:
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(Image.open(path)).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    image = Image.alpha_composite(white, image).convert("RGB").resize((152, 152))
    heat = Image.fromarray(np.uint8(255 * weights / weights.max()))
    heat = heat.resize(image.size, Image.Resampling.BICUBIC)
    dark = Image.blend(image, Image.new("RGB", image.size), 0.75)
    buffer = io.BytesIO()
    Image.composite(image, dark, heat).save(buffer, "PNG")
    return buffer.getvalue()
