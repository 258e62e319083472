"""The same concepts drawn in four styles, to test generalisation to a new style."""

from __future__ import annotations

import dataclasses
import hashlib

import tensorflow as tf
import tensorflow_datasets as tfds

from mmkeras.datasets.emoji_style_images import EmojiStyleImages, concept_id
from mmkeras.datasets.manual_folder import report_skipped

_DESCRIPTION = """
Emoji, not photographs: every concept once in each of four styles, which are the splits
`openmoji`, `google`, `fluent` and `twitter`, with its name (Unicode CLDR) as the
caption. A style excluded from training tests generalisation to an unseen style;
`unseen_concept` marks a tenth of the concepts, the same in all styles, to be excluded
as well.
"""
_LICENSE = """
openmoji: OpenMoji, CC BY-SA 4.0. google: Noto Emoji, Apache-2.0. fluent: Microsoft
Fluent Emoji, MIT. twitter: Twemoji, CC BY 4.0. Names: Unicode CLDR, Unicode License.
"""
# Google and Twitter have no larger images.
_SIDE = 64
_LANGUAGES = (
    "en", "zh", "es", "ja", "ko", "pt", "it", "fr", "de", "fa", "id", "ru", "tr", "ar",
)  # fmt: skip
_SKIN_TONES = tuple(map(chr, range(0x1F3FB, 0x1F400)))


@dataclasses.dataclass
class EmojiStylesConfig(tfds.core.BuilderConfig):
    """One variant of `emoji_styles`.

    Args:
        language: string, language of the names, as in the package `emoji`.
    """

    language: str = "en"


class EmojiStyles(tfds.core.GeneratorBasedBuilder):
    """1,820 concepts, each drawn in four styles, with their names.

    Every sample is a dict of `image` (PNG of 64 × 64 pixels, in RGB over white),
    `image_id` (`"google/1f600"`), `concept` (its code points, `"1f600"`), `style`,
    `captions` (the name only) and `unseen_concept` (bool). All styles have the same
    concepts. The variants are languages: `en`, `zh` and twelve more.

    Example:
        ```python
        train, test = mmkeras.data.load(
            "emoji_styles/en", split=("openmoji+google+fluent", "twitter"),
            manual_dir="sources")
        train = train.filter(lambda sample: ~sample["unseen_concept"])
        ```
    """

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [
        EmojiStylesConfig(name=language, language=language, description=language)
        for language in _LANGUAGES
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Unpack three npm packages into a folder of your choice, here `sources`, and "
        "give it as `manual_dir=`:\n"
        "  npm install --ignore-scripts --prefix sources emoji-datasource-google@16 "
        "emoji-datasource-twitter@16 @lobehub/fluent-emoji-3d@1\n"
        '  mmkeras.data.load("emoji_styles/en", split="google", manual_dir="sources")'
    )

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=(_SIDE, _SIDE, 3), encoding_format="png"
                    ),
                    "image_id": tfds.features.Text(),
                    "concept": tfds.features.Text(),
                    "style": tfds.features.Text(),
                    "captions": tfds.features.Sequence(tfds.features.Text()),
                    "unseen_concept": tf.bool,
                }
            ),
            homepage="https://github.com/iamcal/emoji-data",
            license=_LICENSE,
        )

    def _split_generators(self, dl_manager):
        names = _names(self.builder_config.language)
        images = EmojiStyleImages(
            dl_manager.manual_dir, _SIDE, self.MANUAL_DOWNLOAD_INSTRUCTIONS
        )
        drawn = _draw_all(images, names)
        return {
            style: self._generate_examples(style, names, drawn)
            for style in images.styles
        }

    def _generate_examples(self, style: str, names: dict, drawn: dict):
        for symbol, by_style in drawn.items():
            concept = concept_id(symbol)
            yield (
                concept,
                {
                    "image": by_style[style],
                    "image_id": f"{style}/{concept}",
                    "concept": concept,
                    "style": style,
                    "captions": [names[symbol]],
                    "unseen_concept": _is_unseen(concept),
                },
            )


def _names(language: str) -> dict[str, str]:
    """Names of all emoji without a skin tone."""
    try:
        import emoji
    except ImportError as error:
        raise ImportError(
            "The package `emoji` is not installed. Install the names and the images "
            "of OpenMoji with `pip install 'mmkeras[emoji]'`."
        ) from error
    emoji.config.load_language(language)
    complete = emoji.STATUS["fully_qualified"]
    return {
        symbol: data[language].strip(":").replace("_", " ")
        for symbol, data in sorted(emoji.EMOJI_DATA.items())
        if data["status"] == complete
        and language in data
        and not any(tone in symbol for tone in _SKIN_TONES)
    }


def _draw_all(images: EmojiStyleImages, names: dict) -> dict[str, dict]:
    """Draw, in every style, the concepts that are distinct in all styles."""
    drawn, seen, broken = {}, set(), {}
    for symbol in names:
        concept = concept_id(symbol)
        if not images.has(concept):
            continue
        row = {}
        for style in images.styles:
            try:
                row[style] = images.draw(style, concept, symbol)
            except ValueError as error:
                broken[images.path(style, concept)] = str(error)
        # Some styles draw several families identically, so that no name is correct.
        drawings = set(row.items())
        if len(row) == len(images.styles) and not drawings & seen:
            drawn[symbol] = row
            seen |= drawings
    report_skipped("emoji_styles", broken, len(drawn))
    return drawn


def _is_unseen(concept: str) -> bool:
    return hashlib.sha256(concept.encode()).digest()[0] < 26
