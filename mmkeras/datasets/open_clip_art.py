"""Drawings of all kinds, by many hands, with titles and keywords."""

from __future__ import annotations

import collections
import dataclasses
import html
import pathlib
import re
import xml.etree.ElementTree as ElementTree

import tensorflow_datasets as tfds

from mmkeras.datasets.open_image import open_image
from mmkeras.datasets.over_white import over_white
from mmkeras.datasets.require_parts import require_parts
from mmkeras.datasets.split_by_hash import split_by_hash
from mmkeras.datasets.warn_of_skipped import warn_of_skipped

_DESCRIPTION = """
Drawings of the Open Clip Art Library, 0.18 of 2005, with the titles and keywords that
their many authors gave them, mostly in English, some in Italian or French. Pictures
that have no title of their own are left out, and so are those whose title is that of
a whole collection ("Lemon SVG theme"): three or more bear it, and it is not in the
name of the file. Pictures of one title are in one split.
"""
_PARTS = ("usr/share/openclipart/png", "usr/share/openclipart/svg")
_MAX_SIDE = 256
_NOT_PLAIN = ("computer/icons/", "signs_and_symbols/flags/", "shapes/")
_COLLECTION = 3
_DC = "{http://purl.org/dc/elements/1.1/}"


@dataclasses.dataclass
class OpenClipArtConfig(tfds.core.BuilderConfig):
    """One variant of `open_clip_art`.

    Args:
        plain: bool, whether to leave out icons of desktops, flags and shapes.
    """

    plain: bool = True


class OpenClipArt(tfds.core.GeneratorBasedBuilder):
    """Clip art with titles.

    Every sample is a dict of `image` (PNG of at most 256 pixels a side, in RGB over
    white, cut to what is drawn), `image_id` (`"animals/birds/duck_01"`), `captions`
    (the title, alone), `keywords` and `category` (`"animals"`). The variant `plain`
    leaves out icons, flags and shapes; `all` has them.

    Example:
        ```python
        train, test = mmkeras.data.load(
            "open_clip_art/plain", split=("train", "test"), manual_dir="sources")
        ```
    """

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [
        OpenClipArtConfig(name="plain", description="Without icons, flags, shapes."),
        OpenClipArtConfig(name="all", plain=False, description="All with a title."),
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Unpack the Debian packages openclipart-png and openclipart-svg into a folder "
        "of your choice, here `sources`, and give it as `manual_dir=`:\n"
        "  apt-get download openclipart-png openclipart-svg\n"
        "  for package in openclipart-*.deb; do dpkg -x $package sources; done\n"
        '  mmkeras.data.load("open_clip_art/plain", manual_dir="sources")'
    )

    def _info(self) -> tfds.core.DatasetInfo:
        strings = tfds.features.Sequence(tfds.features.Text())
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=(None, None, 3), encoding_format="png"
                    ),
                    "image_id": tfds.features.Text(),
                    "captions": strings,
                    "keywords": strings,
                    "category": tfds.features.Text(),
                }
            ),
            homepage="https://openclipart.org",
            license="Public domain",
        )

    def _split_generators(self, dl_manager):
        pictures, drawings = require_parts(
            dl_manager.manual_dir, _PARTS, self.MANUAL_DOWNLOAD_INSTRUCTIONS
        )
        rows = _read_clip_art(pictures, drawings, self.builder_config.plain)
        parts = split_by_hash(rows, _title_stem)
        return {split: self._generate_examples(part) for split, part in parts.items()}

    def _generate_examples(self, rows: list[dict]):
        for row in rows:
            yield row["image_id"], row


def _read_clip_art(
    pictures: pathlib.Path, drawings: pathlib.Path, plain: bool
) -> list[dict]:
    works, broken = _read_works(pictures, drawings)
    rows: dict[bytes, dict] = {}
    for name, (caption, keywords) in _titled(works).items():
        path = pictures / f"{name}.png"
        if plain and name.startswith(_NOT_PLAIN):
            continue
        try:
            image = over_white(open_image(path), _MAX_SIDE, crop=True)
        except ValueError as error:
            broken[str(path)] = str(error)
            continue
        row = {
            "image": image,
            "image_id": name,
            "captions": [caption],
            "keywords": keywords,
            "category": name.split("/")[0],
        }
        # Some are there twice, under two titles; splits must not share them.
        rows.setdefault(image, row)
    warn_of_skipped("open_clip_art", broken, len(rows))
    return list(rows.values())


def _titled(works: dict) -> dict[str, tuple[str, list[str]]]:
    """Caption and keywords of the pictures that have a title of their own."""
    borne = collections.Counter(title for title, _ in works.values())
    titled = {}
    for name, (title, keywords) in works.items():
        caption = _caption(title)
        common = borne[title] >= _COLLECTION and not _is_in(caption, name)
        if caption and not common:
            titled[name] = (caption, keywords)
    return titled


def _read_works(pictures: pathlib.Path, drawings: pathlib.Path) -> tuple[dict, dict]:
    """Title and keywords of every picture, from the drawing that it was made of."""
    works, broken = {}, {}
    for path in sorted(pictures.rglob("*.png")):
        # A link shows in a second folder what another file is.
        if path.is_symlink():
            continue
        name = path.relative_to(pictures).with_suffix("").as_posix()
        drawing = drawings / f"{name}.svg"
        try:
            works[name] = _read_work(drawing)
        except (OSError, ElementTree.ParseError) as error:
            broken[str(drawing)] = str(error)
    return works, broken


def _read_work(drawing: pathlib.Path) -> tuple[str, list[str]]:
    title, keywords = "", []
    for element in ElementTree.parse(drawing).iter():
        # The title of the work is a child of it; deeper ones name its author.
        if element.tag.endswith("}Work"):
            title = title or (element.findtext(f"{_DC}title") or "").strip()
            for subject in element.findall(f"{_DC}subject"):
                keywords += [(item.text or "").strip() for item in subject.iter()]
    return title, [keyword for keyword in dict.fromkeys(keywords) if keyword]


def _caption(title: str) -> str:
    """`"Clipart by Jane Doe - red_ball_01"` says `"red ball"`."""
    title = re.sub(r"^clipart by .*? - ", "", title, flags=re.IGNORECASE)
    words = " ".join(html.unescape(title).replace("_", " ").split())
    # A number of its own, or after a word ("bee2"), but not that of "G8".
    return re.sub(r"(?:^|[\s#-]+|(?<=[^\W\d]{3}))\d+$", "", words).strip()


def _is_in(caption: str, name: str) -> bool:
    file = re.sub(r"\W|_", "", name.rsplit("/", 1)[-1]).lower()
    return all(word in file for word in re.findall(r"[^\W_]+", caption.lower()))


def _title_stem(row: dict) -> str:
    return re.sub(r"[\W\d_]+", " ", row["captions"][0].lower()).strip()
