from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from mmkeras.arguments import setting
from mmkeras.models.image_run import ImageRun

if TYPE_CHECKING:
    import tensorflow as tf


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaptionerRun(ImageRun):
    """The settings of a training run of an `ImageCaptioner`.

    These are in addition to those of `ImageRun` and `Run`.

    Args:
        data: string: a folder (`mmkeras.data.from_folder`); an annotation file,
            `"coco:FILE.json"`, `"karpathy:FILE.json"`, `"flickr:FILE"` or
            `"conceptual:FILE.tsv"` (`mmkeras.data.from_coco` and so on), with
            `images`; or the name of a dataset of TensorFlow Datasets.
        images: string, folder of the images of an annotation file, or `None`.
        captions: string, table of the captions of a folder, or `None`.
        vocabulary_size: int, maximum number of tokens to learn.
        sequence_length: int, maximum number of tokens of a caption, or `None` to
            choose it from the data.
        long_captions: string, what to do with captions longer than a given
            `sequence_length`: `"error"` or `"cut"`.
        num_layers: int, number of transformer blocks of encoder and decoder each.
        captions_per_image: int, number of captions of each image in a step
            (`ImageCaptioner.compile`).
    """

    data: str = setting(
        help="a folder; coco:FILE, karpathy:FILE, flickr:FILE or conceptual:FILE; or "
        "the name of a dataset of TensorFlow Datasets"
    )
    images: str | None = setting(
        None, "folder of the images of coco:FILE and the like", role="data"
    )
    captions: str | None = setting(
        None, "table of the captions of a folder (.csv, .jsonl)", role="data"
    )
    vocabulary_size: int = setting(
        8000, "maximum number of tokens to learn", minimum=1, role="model"
    )
    sequence_length: int | None = setting(
        None,
        "maximum number of tokens of a caption (default: chosen from the data)",
        minimum=1,
        role="model",
    )
    long_captions: str = setting(
        "error",
        "what to do with captions longer than a given sequence length",
        choices=("error", "cut"),
        role="model",
    )
    num_layers: int = setting(
        2, "transformer blocks of encoder and decoder each", minimum=1, role="model"
    )
    captions_per_image: int = setting(
        1, "captions of each image in a step", minimum=1, role="compile"
    )

    @classmethod
    def load_data(
        cls, data: str, **arguments: Any
    ) -> tf.data.Dataset | tuple[tf.data.Dataset, tf.data.Dataset]:
        """Loads captioned images, as `mmkeras.data.open_samples` does."""
        from mmkeras.data import open_samples

        return open_samples(data, "caption", **arguments)
