from __future__ import annotations

import tensorflow as tf

from mmkeras.datasets.scene import Scene
from mmkeras.datasets.scene_captions import Captioner, scene_captions
from mmkeras.datasets.scene_language import concept_table, language_of
from mmkeras.metrics import PTBTokenizer, chair


def scene_hallucination(
    task: Captioner,
    dataset: tf.data.Dataset,
    batch_size: int = 32,
    on_error: str = "raise",
) -> dict[str, float]:
    """Measure how often generated captions name objects that the scene does not have.

    Chinese captions are matched character by character, English ones word by word.

    Args:
        task: a captioner.
        dataset: a `tf.data.Dataset` of sample dicts with `image` and `scene`, batched
            or not.
        batch_size: int, number of images captioned at a time.
        on_error: string, `"raise"` or `"skip"` for images that cannot be read.

    Returns:
        Dict of `"CHAIRi"` and `"CHAIRs"`, as returned by `mmkeras.metrics.chair`, or
        NaN if no caption was judged.

    Raises:
        ValueError: if the samples have no `image` or no `scene`, or if an image cannot
            be read and `on_error` is `"raise"`.

    Reference:
        - [Rohrbach et al., 2018](https://arxiv.org/abs/1809.02156)
    """
    pairs = list(scene_captions(task, dataset, batch_size, on_error))
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
