from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from mmkeras.metrics import CaptionReferences, evaluate_captions
from mmkeras.training.caption_samples import caption_samples

_METRICS = ("BLEU-4", "ROUGE_L", "CIDEr-D")


class CaptionMetrics(keras.callbacks.Callback):
    """Writes captions at the end of an epoch and logs their official scores.

    The references are tokenised and counted at the first epoch only. The history has
    the scores as `val_CIDEr-D` and so on, so that `EarlyStopping` and `ModelCheckpoint`
    may monitor them, if they come after this callback. Of several workers, the chief
    alone does it: only its logs have the scores.

    Args:
        dataset: an unbatched `tf.data.Dataset` of dicts `image`, `image_id` and
            `captions`.
        references: dict from image id to captions, `CaptionReferences`, or `None` for
            those of the dataset.
        every: int, epochs from one evaluation to the next.
        metrics: names, as `evaluate_captions` takes them.
        tokenizer: as in `CaptionReferences`.
        batch_size: int, pictures captioned at a time.
        **options: of `mmkeras.decoding.DecodingOptions`.

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
        metrics: Sequence[str] = _METRICS,
        tokenizer="ptb",
        batch_size: int = 32,
        **options,
    ):
        super().__init__()
        if every < 1:
            raise ValueError(f"`every` must be at least 1. Received: {every}.")
        self.dataset, self.every, self.metrics = dataset, every, list(metrics)
        self.tokenizer, self.batch_size, self.options = tokenizer, batch_size, options
        self._references = references

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every or not _is_chief(self.model):
            return
        written = caption_samples(
            self.model, self.dataset, self.batch_size, **self.options
        )
        if not isinstance(self._references, CaptionReferences):
            references = self._references or written.references
            self._references = CaptionReferences(references, self.tokenizer)
        scores = evaluate_captions(self._references, written.captions, self.metrics)
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
