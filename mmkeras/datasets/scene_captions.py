from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Protocol

import tensorflow as tf

from mmkeras.datasets.scene import Scene


class Captioner(Protocol):
    """A task with the verb `generate`, as `mmkeras.models.ImageCaptioner`."""

    def generate(
        self, images: list, *, batch_size: int, on_error: str
    ) -> list[str | None]:
        """Caption images; `None` for an image that is skipped."""


def scene_captions(
    task: Captioner, dataset: tf.data.Dataset, batch_size: int, on_error: str
) -> Iterator[tuple[str, Scene]]:
    """Caption the images of a dataset of scenes.

    Args:
        task: a captioner.
        dataset: a `tf.data.Dataset` of sample dicts with `image` and `scene`, batched
            or not.
        batch_size: int, number of images captioned at a time.
        on_error: string, `"raise"` or `"skip"` for images that cannot be read.

    Returns:
        An iterator over `(caption, scene)`, without the images that are skipped.

    Raises:
        ValueError: if the samples have no `image` or no `scene`, or if an image cannot
            be read and `on_error` is `"raise"`.
    """
    spec = dataset.element_spec
    missing = {"image", "scene"} - set(spec)
    if missing:
        raise ValueError(
            "Captions of scenes are judged on samples with 'image' and 'scene'. "
            f"Missing: {', '.join(sorted(missing))}."
        )
    dataset = dataset.map(lambda sample: (sample["image"], sample["scene"]))
    if spec["scene"].shape.rank == 1:
        dataset = dataset.unbatch()
    samples = iter(dataset.as_numpy_iterator())
    while chunk := list(itertools.islice(samples, batch_size)):
        images, scenes = zip(*chunk, strict=True)
        captions = task.generate(list(images), batch_size=batch_size, on_error=on_error)
        for caption, scene in zip(captions, scenes, strict=True):
            if caption is not None:
                yield caption, Scene.from_json(scene)
