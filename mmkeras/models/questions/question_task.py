from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from mmkeras.arguments import check_choice
from mmkeras.data import question_texts
from mmkeras.models.image_task import ImageTask
from mmkeras.models.questions.question_batches import QuestionBatch, question_batches
from mmkeras.preprocessing import ON_ERROR, checked_outputs
from mmkeras.preprocessing.images.load_images import refuse_bad_images

# Enough to detect a vocabulary of another language, few enough to read at once.
_TEXTS_CHECKED = 32


class QuestionTask(ImageTask):
    """A task that answers questions about images; a base class.

    Its backbone is a `QuestionBackbone`, its preprocessor a `QuestionPreprocessor`.
    """

    rows_vary = True
    preset_assets = ("assets/tokenizer/vocabulary.txt",)

    def _answer_all(
        self,
        images: Any,
        questions: Any,
        batch_size: int,
        on_error: str,
        answer: Callable[[tf.Tensor, QuestionBatch], list[list]],
    ):
        """Answers in the form of the input.

        Args:
            images: as `VisualQA.answer` accepts them.
            questions: as `VisualQA.answer` accepts them.
            batch_size: int, number of images in a batch.
            on_error: string, `"raise"`, `"skip"` or `"return"`.
            answer: function from images, float32 `[batch, size, size, 3]`, and a
                `QuestionBatch` to a list of answers for each image, to the padding
                too.
        """
        check_choice("on_error", on_error, ON_ERROR)
        batches = question_batches(images, questions, batch_size)
        found = []
        for batch in batches:
            pixels, errors = self._pixels(batch)
            if on_error == "raise":
                refuse_bad_images(errors, batch.names)
            rows = checked_outputs(answer(pixels, batch), batch.names, errors, on_error)
            for row, number in zip(rows, batch.numbers, strict=True):
                found.append(row[:number] if isinstance(row, list) else [row] * number)
        return batches.arrange(found)

    def _check_samples(self, dataset) -> None:
        texts = list(itertools.islice(question_texts(dataset), _TEXTS_CHECKED))
        tokenizer = self.preprocessor.tokenizer
        unknown = getattr(tokenizer, "unk_token_id", None)
        if not texts or unknown is None:
            return
        ids = tokenizer.tokenize(tf.constant(texts)).flat_values.numpy()
        if ids.size and np.all(ids == unknown):
            raise ValueError(
                "The vocabulary does not have a single word of the first "
                f"{len(texts)} questions: {texts[0]!r:.80} … Is this preset for their "
                "language? A new model learns its vocabulary with `from_data`."
            )

    def _pixels(self, batch):
        converter = self.preprocessor.image_converter
        pixels, errors = converter.convert(tf.constant(batch.images))
        return pixels, np.where(batch.present, errors.numpy(), b"")

    def _without_padding(self, inputs):
        """Inputs cut to the longest question of the batch."""
        token_ids = inputs["token_ids"]
        read = tf.not_equal(token_ids, self.backbone.text_encoder.pad_token_id)
        lengths = tf.reduce_sum(tf.cast(read, tf.int32), axis=-1)
        longest = tf.maximum(tf.reduce_max(lengths), 1)
        return {**inputs, "token_ids": token_ids[..., :longest]}
