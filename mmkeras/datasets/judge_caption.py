"""Judge whether a caption is true of its scene."""

from __future__ import annotations

import dataclasses
import functools
import re

from mmkeras.datasets.scene import Scene
from mmkeras.datasets.scene_language import (
    BACKGROUNDS,
    LANGUAGES,
    NUMBERS,
    RELATION_PHRASES,
    concept_table,
)

_FILLERS = {
    "en": ("there is", "there are", "a picture of", "is", "are", "and", "also"),
    "zh": ("图中有", "还有"),
}
_PUNCTUATION = re.compile(r"[,.;!，。；！、]")


@dataclasses.dataclass(frozen=True)
class CaptionVerdict:
    """The result of `judge_caption`, truthy if the caption is true.

    Args:
        true: bool, whether the caption names every object with its count, at least one
            relation if there are two or more kinds of objects, and nothing false.
        reason: string, the first error, or empty if the caption is true.
    """

    true: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.true


def judge_caption(caption: str, scene: Scene, language: str = "en") -> CaptionVerdict:
    """Judge a caption against the scene that it describes.

    A caption is true if it names every object with its count, names at least one
    relation if there are two or more kinds of objects, and contains nothing false.
    Words outside the language of `emoji_scenes` cannot be checked, so that a caption
    with such words is not true.

    Args:
        caption: string.
        scene: a `Scene`.
        language: `"en"` or `"zh"`.

    Returns:
        A `CaptionVerdict`, which is truthy if the caption is true.

    Raises:
        ValueError: if the language is unknown.

    Example:
        ```python
        scene = Scene("small", "blue", (SceneObject("cat", 0.5, 0.5, 0.3),))
        judge_caption("a cat.", scene)       # CaptionVerdict(true=True, reason="")
        judge_caption("two cats.", scene).reason   # "says 2 cat, there are 1"
        ```
    """
    if language not in LANGUAGES:
        raise ValueError(
            f"`language` must be one of {LANGUAGES}. Received: language={language!r}."
        )
    lexicon = _lexicon(scene.concepts, language)
    items, unknown = lexicon.parse(caption)
    if unknown:
        return CaptionVerdict(False, f"has words that cannot be checked: {unknown!r}")
    reason = (
        _wrong_counts(items, scene)
        or _wrong_background(items, scene)
        or _wrong_relations(items, scene)
    )
    return CaptionVerdict(not reason, reason)


class _Lexicon:
    """Parse captions into lists of (kind, value) items, longest phrase first."""

    def __init__(self, phrases: dict[str, tuple[str, object]], language: str):
        edge = r"\b" if language == "en" else ""
        ordered = sorted(phrases, key=len, reverse=True)
        self._phrases = phrases
        self._pattern = re.compile(
            "|".join(f"{edge}{re.escape(phrase)}{edge}" for phrase in ordered)
        )

    def parse(self, caption: str) -> tuple[list[tuple[str, object]], str]:
        text = _PUNCTUATION.sub(" ", caption.lower())
        items, last, unknown = [], 0, []
        for match in self._pattern.finditer(text):
            unknown.append(text[last : match.start()])
            last = match.end()
            items.append(self._phrases[match.group()])
        unknown.append(text[last:])
        items = [item for item in items if item[0] != "filler"]
        return items, " ".join(" ".join(unknown).split())


@functools.cache
def _lexicon(concepts: str, language: str) -> _Lexicon:
    phrases: dict[str, tuple[str, object]] = {
        filler: ("filler", None) for filler in _FILLERS[language]
    }
    for relation, phrase in RELATION_PHRASES[language].items():
        if language == "zh":
            phrases[f"的{phrase}有"] = ("inverse", relation)
            phrases[f"的{phrase}"] = ("relation_after", relation)
        else:
            phrases[phrase] = ("relation", relation)
    for name, (zh, _) in BACKGROUNDS.items():
        phrase = f"背景是{zh}" if language == "zh" else f"on a {name} background"
        phrases[phrase] = ("background", name)
    for concept in concept_table(concepts).values():
        phrases.update(_counted_phrases(concept, language))
    if language == "zh":
        phrases["在"] = ("at", None)
    return _Lexicon(phrases, language)


def _counted_phrases(concept, language):
    for count, number in enumerate(NUMBERS[language][1:], start=1):
        if language == "zh":
            yield (
                f"{number}{concept.measure}{concept.zh}",
                ("group", (concept.id, count)),
            )
            continue
        name = concept.singular if count == 1 else concept.plural
        yield f"{number} {name}", ("group", (concept.id, count))
    if language == "en":
        article = "an" if concept.singular[0] in "aeiou" else "a"
        yield f"{article} {concept.singular}", ("group", (concept.id, 1))


def _wrong_counts(items, scene: Scene) -> str:
    counts = scene.counts()
    named: dict[str, int] = {}
    for kind, value in items:
        if kind != "group":
            continue
        concept, count = value
        if concept in named:
            return f"names {concept} twice"
        named[concept] = count
    for concept, count in named.items():
        if counts.get(concept, 0) != count:
            return f"says {count} {concept}, there are {counts.get(concept, 0)}"
    missing = [concept for concept in counts if concept not in named]
    return f"omits {', '.join(missing)}" if missing else ""


def _wrong_background(items, scene: Scene) -> str:
    for kind, value in items:
        if kind == "background" and value != scene.background:
            return f"says the background is {value}, it is {scene.background}"
    return ""


def _wrong_relations(items, scene: Scene) -> str:
    relations = list(_relations(items))
    if None in relations:
        return "has a relation without an object on each side"
    for first, relation, second in relations:
        if not scene.holds(first, relation, second):
            return f"says {first} {relation} {second}, which is false"
    if len(scene.counts()) > 1 and not relations:
        return "names no relation"
    return ""


def _relations(items):
    """Yield (first, relation, second), or None if a side is missing."""
    kinds = [kind for kind, _ in items]
    for index, (kind, value) in enumerate(items):
        if kind == "relation":
            pattern, sides = ["group", "relation", "group"], (index - 1, index + 1)
            start = index - 1
        elif kind == "relation_after":
            pattern = ["group", "at", "group", "relation_after"]
            sides, start = (index - 3, index - 1), index - 3
        elif kind == "inverse":
            pattern = ["group", "inverse", "group"]
            sides, start = (index + 1, index - 1), index - 1
        elif kind == "at":
            if kinds[index : index + 3] != ["at", "group", "relation_after"]:
                yield None
            continue
        else:
            continue
        if start < 0 or kinds[start : start + len(pattern)] != pattern:
            yield None
            continue
        yield items[sides[0]][1][0], value, items[sides[1]][1][0]
