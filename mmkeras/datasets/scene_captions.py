from __future__ import annotations

import typing
from collections.abc import Iterator

from mmkeras.datasets.scene import Scene

if typing.TYPE_CHECKING:
    from mmkeras.models import Predictions


def scene_captions(predictions: Predictions) -> Iterator[tuple[str, Scene]]:
    """The captions of scenes.

    Args:
        predictions: a `mmkeras.models.Predictions` of a captioner.

    Returns:
        An iterator over `(caption, scene)`, without the images that are skipped.

    Raises:
        ValueError: if the samples have no `scene`, or if an image cannot be read and
            `on_error` is `"raise"`.
    """
    if "scene" not in predictions.dataset.element_spec:
        raise ValueError(
            "Captions of scenes are judged on samples with 'scene'. Received samples "
            f"with: {', '.join(sorted(predictions.dataset.element_spec))}."
        )
    for row in predictions.rows:
        yield str(row.output), Scene.from_json(row.sample["scene"])
