"""Clip art by many authors, with titles and keywords."""

from __future__ import annotations

import collections
import dataclasses
import html
import pathlib
import re
import xml.etree.ElementTree as ElementTree

import tensorflow_datasets as tfds

from mmkeras.datasets.manual_folder import (
    report_skipped,
    require_folders,
    split_by_hash,
)
from mmkeras.datasets.manual_images import open_image, png_over_white

_DESCRIPTION = """
Drawings of the Open Clip Art Library, 0.18 of 2005, with the titles and keywords that
their authors gave them, mostly in English, some in Italian or French. Images without a
title are excluded, and so are those whose title is that of a whole collection ("Lemon
SVG theme"): three or more images have it, and it is not in the name of the file. Images
with the same title are in the same split.
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
        plain: bool, whether to exclude desktop icons, flags and shapes.
    """

    plain: bool = True


class OpenClipArt(tfds.core.GeneratorBasedBuilder):
    """Clip art with titles.

    Every sample is a dict of `image` (PNG of at most 256 pixels a side, in RGB over
    white, cropped to the drawing), `image_id` (`"animals/birds/duck_01"`), `captions`
    (the title only), `keywords` and `category` (`"animals"`). The variant `plain`
    excludes icons, flags and shapes; `all` includes them.

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
        images, drawings = require_folders(
            dl_manager.manual_dir, _PARTS, self.MANUAL_DOWNLOAD_INSTRUCTIONS
        )
        rows = _read_clip_art(images, drawings, self.builder_config.plain)
        parts = split_by_hash(rows, _title_stem)
        return {split: self._generate_examples(part) for split, part in parts.items()}

    def _generate_examples(self, rows: list[dict]):
        for row in rows:
            yield row["image_id"], row


def _read_clip_art(
    images: pathlib.Path, drawings: pathlib.Path, plain: bool
) -> list[dict]:
    works, broken = _read_works(images, drawings)
    rows: dict[bytes, dict] = {}
    for name, (caption, keywords) in _titled(works).items():
        path = images / f"{name}.png"
        if plain and name.startswith(_NOT_PLAIN):
            continue
        try:
            image = png_over_white(open_image(path), _MAX_SIDE, crop=True)
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
        # Some occur twice, under two titles; splits must not share them.
        rows.setdefault(image, row)
    report_skipped("open_clip_art", broken, len(rows))
    return list(rows.values())


def _titled(works: dict) -> dict[str, tuple[str, list[str]]]:
    """Caption and keywords of the images that have an individual title."""
    titles = collections.Counter(title for title, _ in works.values())
    titled = {}
    for name, (title, keywords) in works.items():
        caption = _caption(title)
        common = titles[title] >= _COLLECTION and not _is_in(caption, name)
        if caption and not common:
            titled[name] = (caption, keywords)
    return titled


def _read_works(images: pathlib.Path, drawings: pathlib.Path) -> tuple[dict, dict]:
    """Title and keywords of every image, from the SVG that it was rendered from."""
    works, broken = {}, {}
    for path in sorted(images.rglob("*.png")):
        # A link shows an image of another folder.
        if path.is_symlink():
            continue
        name = path.relative_to(images).with_suffix("").as_posix()
        drawing = drawings / f"{name}.svg"
        try:
            works[name] = _read_work(drawing)
        except (OSError, ElementTree.ParseError) as error:
            broken[str(drawing)] = str(error)
    return works, broken


def _read_work(drawing: pathlib.Path) -> tuple[str, list[str]]:
    title, keywords = "", []
    for element in ElementTree.parse(drawing).iter():
        # The title of the work is its direct child; deeper ones belong to its author.
        if element.tag.endswith("}Work"):
            title = title or (element.findtext(f"{_DC}title") or "").strip()
            for subject in element.findall(f"{_DC}subject"):
                keywords += [(item.text or "").strip() for item in subject.iter()]
    return title, [keyword for keyword in dict.fromkeys(keywords) if keyword]


def _caption(title: str) -> str:
    """Clean a title: `"Clipart by Jane Doe - red_ball_01"` becomes `"red ball"`."""
    title = re.sub(r"^clipart by .*? - ", "", title, flags=re.IGNORECASE)
    words = " ".join(html.unescape(title).replace("_", " ").split())
    # Drop a separate number, or one after a word ("bee2"), but not that of "G8".
    return re.sub(r"(?:^|[\s#-]+|(?<=[^\W\d]{3}))\d+$", "", words).strip()


def _is_in(caption: str, name: str) -> bool:
    file = re.sub(r"\W|_", "", name.rsplit("/", 1)[-1]).lower()
    return all(word in file for word in re.findall(r"[^\W_]+", caption.lower()))


def _title_stem(row: dict) -> str:
    return re.sub(r"[\W\d_]+", " ", row["captions"][0].lower()).strip()
