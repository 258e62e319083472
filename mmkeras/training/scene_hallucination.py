from __future__ import annotations

from collections.abc import Mapping

from mmkeras.datasets.scene import Scene
from mmkeras.datasets.scene_language import concept_table
from mmkeras.metrics import PTBTokenizer, chair


def scene_hallucination(
    captions: Mapping[str, str], scenes: Mapping[str, str]
) -> dict[str, float]:
    """CHAIR of English captions of `emoji_scenes`, whose objects are known.

    Args:
        captions: dict from image id to caption.
        scenes: dict from image id to the scene as JSON, as in the samples.

    Returns:
        Dict of `"CHAIRi"` and `"CHAIRs"`.
    """
    read = [Scene.from_json(scenes[name]) for name in captions]
    names = {
        concept.id: [concept.singular, concept.plural]
        for scene in read
        for concept in concept_table(scene.concepts).values()
    }
    objects = [list(scene.counts()) for scene in read]
    return chair(PTBTokenizer()(list(captions.values())), objects, names)
