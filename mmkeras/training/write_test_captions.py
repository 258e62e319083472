from __future__ import annotations

import os
import pathlib
from typing import Any

import tensorflow as tf

from mmkeras.data.formats import write_caption_references, write_caption_results
from mmkeras.data.formats.identifiers import official_id
from mmkeras.models import CaptionedSamples, ImageCaptioner
from mmkeras.models.predictions import Predictions


def write_test_captions(
    captioner: ImageCaptioner,
    samples: tf.data.Dataset,
    directory: str | os.PathLike,
    batch_size: int = 32,
    **options: Any,
) -> tuple[pathlib.Path, pathlib.Path]:
    """Write captions of a test split and their references for official scorers.

    `captions_test.json` is in COCO's results format: a list of
    `{"image_id": ..., "caption": ...}`. `references.json` is in COCO's annotation
    format. Ids that are integers are written as numbers.

    Args:
        captioner: an `ImageCaptioner`.
        samples: an unbatched `tf.data.Dataset` of dicts `image`, `image_id` and
            `captions`.
        directory: folder for both files; it is created if it does not exist.
        batch_size: int, number of images in a batch.
        **options: options of `mmkeras.decoding.DecodingOptions`; beam search with
            `num_beams=5` by default.

    Returns:
        The paths of both files.

    Raises:
        ValueError: if an image is unreadable, or an option is out of range.

    Example:
        ```python
        test = mmkeras.data.from_karpathy("coco/dataset_coco.json", "coco", "test")
        write_test_captions(captioner, test, "run")
        ```

    Reference:
        - [Chen et al., 2015](https://arxiv.org/abs/1504.00325)
    """
    options = options or {"num_beams": 5}
    captioned = CaptionedSamples.of(
        Predictions(captioner, samples, batch_size, **options)
    )
    ids = {name: official_id(name) for name in captioned.captions}
    captions = {ids[name]: caption for name, caption in captioned.captions.items()}
    references = {ids[name]: texts for name, texts in captioned.references.items()}
    folder = pathlib.Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "captions_test.json", folder / "references.json"
    write_caption_results(captions, paths[0])
    write_caption_references(references, paths[1])
    return paths
