from __future__ import annotations

import tensorflow as tf

from mmkeras.datasets.judge_caption import judge_caption
from mmkeras.datasets.scene_captions import Captioner, scene_captions
from mmkeras.datasets.scene_language import language_of


def true_captions(
    task: Captioner,
    dataset: tf.data.Dataset,
    batch_size: int = 32,
    on_error: str = "raise",
) -> dict[str, float]:
    """Measure how many generated captions are true of their scene.

    Captions are generated with the defaults of `task.generate` and judged by
    `judge_caption`, in Chinese if they contain Chinese characters, else in English.

    Args:
        task: a captioner.
        dataset: a `tf.data.Dataset` of sample dicts with `image` and `scene`, batched
            or not.
        batch_size: int, number of images captioned at a time.
        on_error: string, `"raise"` or `"skip"` for images that cannot be read.

    Returns:
        Dict of `"true_captions"`, the share of true captions, a float in `[0, 1]`, or
        NaN if no caption was judged.

    Raises:
        ValueError: if the samples have no `image` or no `scene`, or if an image cannot
            be read and `on_error` is `"raise"`.
    """
    verdicts = [
        bool(judge_caption(caption, scene, language_of(caption)))
        for caption, scene in scene_captions(task, dataset, batch_size, on_error)
    ]
    share = sum(verdicts) / len(verdicts) if verdicts else float("nan")
    return {"true_captions": share}
