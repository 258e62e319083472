from __future__ import annotations

from collections.abc import Iterable

from mmkeras.models.kept_samples import first_question, plain
from mmkeras.runtime.read_image import read_image


def litert_samples(task, samples: Iterable | None) -> list[tuple]:
    """What a LiteRT file is checked on.

    Args:
        task: a task.
        samples: pictures as `ImageCaptioner.generate` takes them one by one, for
            questions `(picture, question)`; or sample dicts with `image` and
            `question`, e.g. a `tf.data.Dataset`; `None` for those that the task keeps.

    Returns:
        list of a picture, uint8 `[height, width, 3]` of the model's size, and a
        question or `None`.

    Raises:
        ValueError: if there are none, or they are not such.
    """
    samples = task.samples if samples is None else samples
    height, width = task.preprocessor.image_converter.image_size
    crop = task.preprocessor.image_converter.crop_to_aspect_ratio
    found = []
    for number, sample in enumerate(samples):
        image, question = _parts(sample, number, task.asks)
        found.append((read_image(image, height, width, crop)[0], question))
    if not found:
        raise ValueError(
            "Give `samples=`, a few pictures"
            + (" with questions" if task.asks else "")
            + ", e.g. `samples=dataset.take(16)`: a LiteRT file is run on them before "
            "it is handed over. Presets that `mmkeras train` writes keep some of their "
            "own, others after `task.keep_samples(dataset)`."
        )
    return found


def _parts(sample, number, asks):
    if isinstance(sample, dict):
        image, question = sample.get("image"), sample.get("question")
    elif isinstance(sample, tuple) and len(sample) == 2:
        image, question = sample
    else:
        image, question = sample, None
    if asks:
        question = first_question(question)
        if not question:
            raise ValueError(
                f"Sample {number} has no question. Give `(picture, question)`, or "
                "dicts with 'image' and 'question'."
            )
    if image is None:
        raise ValueError(f"Sample {number} has no 'image'.")
    return plain(image), question if asks else None
