from __future__ import annotations

import itertools

import numpy as np
import tensorflow as tf

from mmkeras.data import question_texts
from mmkeras.models.task import Task

# Enough to tell a vocabulary of another language, few enough to read at once.
_TEXTS_LOOKED_AT = 32


class QuestionTask(Task):
    """A task that is asked questions about pictures.

    Its backbone has an `image_encoder`, a `region_encoder`, a `text_encoder` and a
    `fusion`, its preprocessor is a `QuestionPreprocessor`.
    """

    rows_vary = True
    asks = True

    def _check_samples(self, dataset) -> None:
        texts = list(itertools.islice(question_texts(dataset), _TEXTS_LOOKED_AT))
        tokenizer = self.preprocessor.tokenizer
        unknown = getattr(tokenizer, "unk_token_id", None)
        if not texts or unknown is None:
            return
        ids = tokenizer.tokenize(tf.constant(texts)).flat_values.numpy()
        if ids.size and np.all(ids == unknown):
            raise ValueError(
                f"The vocabulary knows no word of the first {len(texts)} questions: "
                f"{texts[0]!r:.80} … Is this the right preset for their language? A "
                "new model learns its vocabulary with `from_data`."
            )

    def _pixels(self, batch):
        converter = self.preprocessor.image_converter
        pixels, errors = converter.convert(tf.constant(batch.images))
        return pixels, np.where(batch.present, errors.numpy(), b"")

    def _regions(self, inputs, training):
        if "image_features" not in inputs:
            return self.backbone.regions(inputs["images"], training=training)
        return self.backbone.region_encoder(inputs["image_features"], training=training)

    def _without_padding(self, inputs):
        """Inputs as long as the longest question of the batch."""
        token_ids = inputs["token_ids"]
        read = tf.not_equal(token_ids, self.backbone.text_encoder.pad_token_id)
        lengths = tf.reduce_sum(tf.cast(read, tf.int32), axis=-1)
        longest = tf.maximum(tf.reduce_max(lengths), 1)
        return {**inputs, "token_ids": token_ids[..., :longest]}
