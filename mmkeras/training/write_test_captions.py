from __future__ import annotations

import json
import os
import pathlib

import tensorflow as tf

from mmkeras.data import batch_samples
from mmkeras.models import ImageCaptioner
from mmkeras.preprocessing.images.load_images import refuse_bad_images


def write_test_captions(
    captioner: ImageCaptioner,
    samples: tf.data.Dataset,
    directory: str | os.PathLike,
    batch_size: int = 32,
    **options,
) -> tuple[pathlib.Path, pathlib.Path]:
    """Captions of a test split and their references, as official scorers read them.

    `captions_test.json` is in the result format of COCO: a list of
    `{"image_id": ..., "caption": ...}`. `references.json` is in the format of its
    annotations, to score it against, e.g. with coco-caption. Ids that are whole
    numbers are written as such.

    Args:
        captioner: an `ImageCaptioner`.
        samples: an unbatched `tf.data.Dataset` of dicts `image`, `image_id` and
            `captions`.
        directory: folder for both files; it is made if it is not there.
        batch_size: int, pictures captioned at a time.
        **options: of `mmkeras.decoding.DecodingOptions`; beam search with
            `num_beams=5` unless others are given.

    Returns:
        The paths of both files.

    Raises:
        ValueError: if a picture cannot be read, or an option is wrong.

    Example:
        ```python
        test = mmkeras.data.from_karpathy("coco/dataset_coco.json", "coco", "test")
        write_test_captions(captioner, test, "run")
        ```

    Reference:
        - [Chen et al., 2015](https://arxiv.org/abs/1504.00325)
    """
    options = options or {"num_beams": 5}
    written, references = [], []
    for batch in batch_samples(samples, batch_size):
        ids = [image_id.decode("utf-8") for image_id in batch["image_id"].numpy()]
        # `generate` would name a bad picture by its place in the batch.
        _, errors = captioner.preprocessor.image_converter.convert(batch["image"])
        refuse_bad_images(errors.numpy(), ids)
        captions = captioner.generate(batch["image"], **options)
        for image_id, caption in zip(map(_number, ids), captions, strict=True):
            written.append({"image_id": image_id, "caption": caption})
        for image_id, texts in zip(ids, batch["captions"].to_list(), strict=True):
            references.append((_number(image_id), [t.decode("utf-8") for t in texts]))
    folder = pathlib.Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "captions_test.json", folder / "references.json"
    for path, content in zip(paths, (written, _annotations(references)), strict=True):
        path.write_text(json.dumps(content, ensure_ascii=False) + "\n", "utf-8")
    return paths


def _number(image_id: str) -> int | str:
    """The id as an int if it is written as one, and so the same id."""
    is_number = image_id.isascii() and image_id.isdigit()
    return int(image_id) if is_number and str(int(image_id)) == image_id else image_id


def _annotations(references) -> dict:
    pairs = [(image_id, text) for image_id, texts in references for text in texts]
    return {
        # What scorers built on pycocotools ask for besides.
        "info": {},
        "licenses": [],
        "type": "captions",
        "images": [{"id": image_id} for image_id, _ in references],
        "annotations": [
            {"id": number, "image_id": image_id, "caption": text}
            for number, (image_id, text) in enumerate(pairs)
        ],
    }
