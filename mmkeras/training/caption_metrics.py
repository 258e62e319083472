from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from mmkeras.arguments import whole_number
from mmkeras.metrics import CaptionReferences, evaluate_captions
from mmkeras.models import CaptionedSamples
from mmkeras.models.image_captioner.caption_scores import METRICS
from mmkeras.models.predictions import Predictions


class CaptionMetrics(keras.callbacks.Callback):
    """Generates captions at the end of an epoch and logs their official scores.

    The references are tokenized and counted in the first epoch only. The history has
    the scores as `val_CIDEr-D` and so on; `EarlyStopping` and `ModelCheckpoint` can
    monitor them if they follow this callback. With several workers only the chief
    evaluates, and only its logs have the scores.

    Args:
        dataset: an unbatched `tf.data.Dataset` of dicts `image`, `image_id` and
            `captions`.
        references: dict from image id to captions, `CaptionReferences`, or `None` for
            those of the dataset.
        every: int, number of epochs between two evaluations.
        metrics: sequence of names, as `evaluate_captions` accepts them.
        tokenizer: string, as `CaptionReferences` accepts it.
        batch_size: int, number of images in a batch.
        **options: options of `mmkeras.decoding.DecodingOptions`.

    Example:
        ```python
        captioner.fit(train, callbacks=[mmkeras.training.CaptionMetrics(validation)])
        ```
    """

    def __init__(
        self,
        dataset: tf.data.Dataset,
        references: Mapping[str, Sequence[str]] | CaptionReferences | None = None,
        every: int = 1,
        metrics: Sequence[str] = METRICS,
        tokenizer: str = "ptb",
        batch_size: int = 32,
        **options: Any,
    ):
        super().__init__()
        every = whole_number("every", every, 1)
        self.dataset, self.every, self.metrics = dataset, every, list(metrics)
        self.tokenizer, self.batch_size, self.options = tokenizer, batch_size, options
        self._references = references

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if (epoch + 1) % self.every or not _is_chief(self.model):
            return
        samples = CaptionedSamples.of(
            Predictions(self.model, self.dataset, self.batch_size, **self.options)
        )
        if not isinstance(self._references, CaptionReferences):
            references = self._references or samples.references
            self._references = CaptionReferences(references, self.tokenizer)
        scores = evaluate_captions(self._references, samples.captions, self.metrics)
        if logs is not None:
            logs.update({f"val_{name}": value for name, value in scores.items()})


def _is_chief(model: keras.Model) -> bool:
    resolver = model.distribute_strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return True
    return resolver.task_type == "chief" or (
        resolver.task_type == "worker"
        and resolver.task_id == 0
        and "chief" not in resolver.cluster_spec().jobs
    )
