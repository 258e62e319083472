from __future__ import annotations

import typing

from mmkeras.datasets.judge_caption import judge_caption
from mmkeras.datasets.scene_captions import scene_captions
from mmkeras.datasets.scene_language import language_of

if typing.TYPE_CHECKING:
    from mmkeras.models import Predictions


def true_captions(predictions: Predictions) -> dict[str, float]:
    """Measure how many generated captions are true of their scene.

    Captions are judged by `judge_caption`, in Chinese if they contain Chinese
    characters, else in English.

    Args:
        predictions: a `mmkeras.models.Predictions` of a captioner; the samples have
            `scene`.

    Returns:
        Dict of `"true_captions"`, the share of true captions, a float in `[0, 1]`, or
        NaN if no caption was judged.

    Raises:
        ValueError: if the samples have no `scene`, or if an image cannot be read and
            `on_error` is `"raise"`.

    Example:
        ```python
        predictions = mmkeras.models.Predictions(captioner, test)
        mmkeras.datasets.true_captions(predictions)
        ```
    """
    verdicts = [
        bool(judge_caption(caption, scene, language_of(caption)))
        for caption, scene in scene_captions(predictions)
    ]
    share = sum(verdicts) / len(verdicts) if verdicts else float("nan")
    return {"true_captions": share}
