"""Where a captioner looked for each token, as pictures on a page."""

from __future__ import annotations

import html
import io
import pathlib
import urllib.parse

import numpy as np

from apps.drawing_name import drawing_name

STYLE = """
.attention { display: flex; flex-wrap: wrap; gap: .3rem; }
figure { margin: 0; text-align: center; font-size: .75rem; }
figure img { width: 76px; display: block; }
"""


def attention_figures(
    captioner, path: pathlib.Path, caption: str, folder: pathlib.Path
) -> str:
    """Draws the attention of each token over a picture.

    Args:
        captioner: an `ImageCaptioner`.
        path: the picture.
        caption: string, of the picture.
        folder: where the drawings are written.

    Returns:
        HTML that shows them, to be styled by `STYLE`.
    """
    tokens, maps = captioner.attention(path, caption)
    figures = []
    for index, (token, weights) in enumerate(zip(tokens, maps, strict=True)):
        name = drawing_name(path, f"attention_{index:02}")
        (folder / name).write_bytes(_overlay(path, weights))
        image = f'<img src="{urllib.parse.quote(name)}" alt="">'
        figures.append(f"<figure>{image}{html.escape(token)}</figure>")
    return f'<div class="attention">{"".join(figures)}</div>'


def _overlay(path, weights) -> bytes:
    from PIL import Image, ImageOps

    picture = ImageOps.exif_transpose(Image.open(path)).convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    picture = Image.alpha_composite(white, picture).convert("RGB").resize((152, 152))
    heat = Image.fromarray(np.uint8(255 * weights / weights.max()))
    heat = heat.resize(picture.size, Image.Resampling.BICUBIC)
    dark = Image.blend(picture, Image.new("RGB", picture.size), 0.75)
    buffer = io.BytesIO()
    Image.composite(picture, dark, heat).save(buffer, "PNG")
    return buffer.getvalue()
