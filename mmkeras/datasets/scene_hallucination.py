from __future__ import annotations

import typing

from mmkeras.datasets.scene import Scene
from mmkeras.datasets.scene_captions import scene_captions
from mmkeras.datasets.scene_language import concept_table, language_of
from mmkeras.metrics import PTBTokenizer, chair

if typing.TYPE_CHECKING:
    from mmkeras.models import Predictions


def scene_hallucination(predictions: Predictions) -> dict[str, float]:
    """Measure how often generated captions name objects that the scene does not have.

    Chinese captions are matched character by character, English ones word by word.

    Args:
        predictions: a `mmkeras.models.Predictions` of a captioner; the samples have
            `scene`.

    Returns:
        Dict of `"CHAIRi"` and `"CHAIRs"`, as returned by `mmkeras.metrics.chair`, or
        NaN if no caption was judged.

    Raises:
        ValueError: if the samples have no `scene`, or if an image cannot be read and
            `on_error` is `"raise"`.

    Reference:
        - [Rohrbach et al., 2018](https://arxiv.org/abs/1809.02156)
    """
    pairs = list(scene_captions(predictions))
    if not pairs:
        return {"CHAIRi": float("nan"), "CHAIRs": float("nan")}
    captions, scenes = zip(*pairs, strict=True)
    objects = [list(scene.counts()) for scene in scenes]
    return chair(_tokenize(captions), objects, _names(scenes))


def _tokenize(captions: tuple[str, ...]) -> list[str]:
    english = PTBTokenizer()(list(captions))
    return [
        " ".join(caption) if language_of(caption) == "zh" else words
        for caption, words in zip(captions, english, strict=True)
    ]


def _names(scenes: tuple[Scene, ...]) -> dict[str, list[str]]:
    tables = {scene.concepts for scene in scenes}
    return {
        concept.id: [concept.singular, concept.plural, " ".join(concept.zh)]
        for table in sorted(tables)
        for concept in concept_table(table).values()
    }
