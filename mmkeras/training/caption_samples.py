from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from mmkeras.data import batch_samples
from mmkeras.preprocessing.images.load_images import refuse_bad_images


class CaptionedSamples(NamedTuple):
    """Captions that a model wrote, and what they are judged by.

    `captions`, `references`, `images` (encoded bytes or uint8 arrays) and `scenes` are
    dicts by `image_id`, a string; the last is empty where samples have no `scene`.
    """

    captions: dict[str, str]
    references: dict[str, list[str]]
    images: dict
    scenes: dict[str, str]


def caption_samples(
    captioner, samples: tf.data.Dataset, batch_size: int = 32, **options
) -> CaptionedSamples:
    """Writes the captions of a dataset that has references.

    Args:
        captioner: an `ImageCaptioner`.
        samples: an unbatched `tf.data.Dataset` of dicts `image`, `image_id` and
            `captions`.
        batch_size: int, pictures captioned at a time.
        **options: of `mmkeras.decoding.DecodingOptions`.

    Raises:
        ValueError: if a picture cannot be read, an id stands twice, or a sample has no
            such keys.
    """
    found = CaptionedSamples({}, {}, {}, {})
    lacking = {"image", "image_id", "captions"} - set(samples.element_spec)
    if lacking:
        raise ValueError(
            "To be judged, samples must have 'image', 'image_id' and 'captions'. "
            f"Missing: {', '.join(sorted(lacking))}."
        )
    for batch in batch_samples(samples, batch_size):
        ids = [image_id.decode("utf-8") for image_id in batch["image_id"].numpy()]
        _, errors = captioner.preprocessor.image_converter.convert(batch["image"])
        refuse_bad_images(errors.numpy(), ids)
        captions = captioner.generate(batch["image"], **options)
        for row, (image_id, caption) in enumerate(zip(ids, captions, strict=True)):
            if image_id in found.captions:
                raise ValueError(f"The dataset has the image_id {image_id!r} twice.")
            texts = batch["captions"][row].numpy().tolist()
            found.captions[image_id] = caption
            found.references[image_id] = [text.decode("utf-8") for text in texts]
            found.images[image_id] = batch["image"][row].numpy()
            if "scene" in batch:
                found.scenes[image_id] = batch["scene"][row].numpy().decode("utf-8")
    return found
