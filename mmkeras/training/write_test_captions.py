from __future__ import annotations

import os
import pathlib

import tensorflow as tf

from mmkeras.data import batch_samples
from mmkeras.data.formats import write_caption_references, write_caption_results
from mmkeras.data.formats.identifiers import official_id
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
    written, references = {}, {}
    for batch in batch_samples(samples, batch_size):
        ids = [image_id.decode("utf-8") for image_id in batch["image_id"].numpy()]
        # `generate` would name a bad picture by its place in the batch.
        _, errors = captioner.preprocessor.image_converter.convert(batch["image"])
        refuse_bad_images(errors.numpy(), ids)
        captions = captioner.generate(batch["image"], **options)
        names = [official_id(image_id) for image_id in ids]
        texts = batch["captions"].to_list()
        for name, caption, of_image in zip(names, captions, texts, strict=True):
            if name in written:
                raise ValueError(f"The dataset has the image_id {name!r} twice.")
            written[name] = caption
            references[name] = [text.decode("utf-8") for text in of_image]
    folder = pathlib.Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "captions_test.json", folder / "references.json"
    write_caption_results(written, paths[0])
    write_caption_references(references, paths[1])
    return paths
