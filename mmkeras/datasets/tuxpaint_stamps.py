"""Everyday objects, many of them cut out of photographs, named in 78 languages."""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from mmkeras.datasets.manual_folder import (
    report_skipped,
    require_folders,
    split_by_hash,
)
from mmkeras.datasets.manual_images import open_image, png_over_white

_DESCRIPTION = """
The stamps of Tux Paint: cut-outs of photographs and drawings of animals, plants,
food, tools, vehicles, letters and coins, each with a sentence that names it, written by
people. `photo` is derived from the grain of the image. Stamps that exist only as SVG
are excluded; `metadata["svg_only"]` is their number.
"""
_STAMPS = "usr/share/tuxpaint/stamps"
_MAX_SIDE = 256
# In photographs nearly every pixel differs from its neighbour. Sorted by their fraction
# of equal neighbours, the stamps change from photographs to drawings about here.
_GRAIN = 0.1


@dataclasses.dataclass
class TuxpaintStampsConfig(tfds.core.BuilderConfig):
    """One variant of `tuxpaint_stamps`.

    Args:
        language: string, language of the captions, as in the stamps (`"pt_BR"`), or
            `None` for all languages of a stamp.
    """

    language: str | None = "en"


class TuxpaintStamps(tfds.core.GeneratorBasedBuilder):
    """The stamps of Tux Paint with their descriptions.

    Every sample is a dict of `image` (PNG of at most 256 pixels a side, in RGB over
    white), `image_id` (`"animals/birds/duck"`), `captions`, `languages` (of each
    caption), `category` (`"animals"`) and `photo` (bool). The variants `en`, `zh_cn`
    and `zh_tw` have the stamps with a caption in that language; `multilingual` has all
    captions, up to 76 for a stamp.

    Example:
        ```python
        stamps = mmkeras.data.load(
            "tuxpaint_stamps/en", split="train", manual_dir="sources")
        photos = stamps.filter(lambda sample: sample["photo"])
        ```
    """

    # Other languages are built with a custom config:
    # TuxpaintStamps(config=TuxpaintStampsConfig(name="fr", language="fr")).
    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [
        TuxpaintStampsConfig(name=name, language=language, description=name)
        for name, language in (
            ("en", "en"),
            ("zh_cn", "zh_CN"),
            ("zh_tw", "zh_TW"),
            ("multilingual", None),
        )
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Unpack the Debian package tuxpaint-stamps-default into a folder of your "
        "choice, here `sources`, and give it as `manual_dir=`:\n"
        "  apt-get download tuxpaint-stamps-default\n"
        "  dpkg -x tuxpaint-stamps-default_*.deb sources\n"
        '  mmkeras.data.load("tuxpaint_stamps/en", manual_dir="sources")'
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
                    "languages": strings,
                    "category": tfds.features.Text(),
                    "photo": tf.bool,
                }
            ),
            homepage="https://tuxpaint.org",
            license="GPL-2",
            metadata=tfds.core.MetadataDict(),
        )

    def _split_generators(self, dl_manager):
        (folder,) = require_folders(
            dl_manager.manual_dir, (_STAMPS,), self.MANUAL_DOWNLOAD_INSTRUCTIONS
        )
        texts = sorted(folder.rglob("*.txt"))
        self.info.metadata["svg_only"] = sum(map(_is_svg_only, texts))
        rows = _read_stamps(folder, texts, self.builder_config.language)
        parts = split_by_hash(rows, lambda row: row["image_id"])
        return {split: self._generate_examples(part) for split, part in parts.items()}

    def _generate_examples(self, rows: list[dict]):
        for row in rows:
            yield row["image_id"], row


def _read_stamps(folder: pathlib.Path, texts, language: str | None) -> list[dict]:
    rows, broken = [], {}
    for text in texts:
        path = text.with_suffix(".png")
        if not path.is_file():
            continue
        try:
            captions = _captions(text, language)
            if captions:
                rows.append(_row(folder, path, captions))
        except ValueError as error:
            broken[str(path)] = str(error)
    report_skipped("tuxpaint_stamps", broken, len(rows))
    return rows


def _row(folder: pathlib.Path, path: pathlib.Path, captions: dict[str, str]) -> dict:
    image = open_image(path)
    name = path.relative_to(folder).with_suffix("")
    return {
        "image": png_over_white(image, _MAX_SIDE),
        "image_id": name.as_posix(),
        "captions": list(captions.values()),
        "languages": list(captions),
        "category": name.parts[0],
        "photo": "cartoon" not in name.parts and _is_grainy(image),
    }


def _captions(text: pathlib.Path, language: str | None) -> dict[str, str]:
    """Parse a text: English in the first line, others as `fr.utf8=Un canard.`"""
    first, *others = text.read_bytes().decode("utf-8").splitlines() or [""]
    captions = {"en": first.strip()}
    for line in others:
        name, _, caption = line.partition(".utf8=")
        captions[name.strip()] = caption.strip()
    wanted = captions if language is None else (language,)
    return {name: captions[name] for name in wanted if captions.get(name)}


def _is_svg_only(text: pathlib.Path) -> bool:
    return text.with_suffix(".svg").is_file() and not text.with_suffix(".png").is_file()


def _is_grainy(image) -> bool:
    pixels = np.asarray(image)
    colours = pixels[..., :3].astype(np.int16)
    opaque = pixels[..., 3] == 255
    neighbours = opaque[:, 1:] & opaque[:, :-1]
    equal = (colours[:, 1:] == colours[:, :-1]).all(-1)
    return bool(neighbours.any() and equal[neighbours].mean() < _GRAIN)
