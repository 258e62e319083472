from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from mmkeras.models.caption_generator import CaptionGenerator


class AnswerGenerator(CaptionGenerator):
    """The decoding loop of answers, a graph for each set of options.

    Its functions take float32 `[batch, size, size, 3]`, bool `[batch]` (whether there
    is a picture) and string `[batch, questions]` (blank for no question), and return a
    `DecodingResult` of `[batch * questions]` rows.

    Args:
        backbone: a `GenerativeVisualQABackbone`.
        preprocessor: a `GenerativeVisualQAPreprocessor`.
    """

    def __init__(self, backbone, preprocessor):
        super().__init__(backbone, preprocessor.answer_tokenizer)
        self._tokenize: Callable = preprocessor.tokenize

    def _trace(self, options, max_length, jit_compile):
        side = self.backbone.image_encoder.image_size

        def answer(images, present, questions, seed):
            read = self.backbone.reader(
                self.backbone.regions(images),
                self._tokenize(questions),
                present,
                training=False,
            )
            memory = tf.reshape(read, [-1, 1, read.shape[-1]])
            return self._write(memory, self._search(options, seed), max_length)

        return tf.function(
            answer,
            input_signature=[
                tf.TensorSpec([None, side, side, 3], tf.float32),
                tf.TensorSpec([None], tf.bool),
                tf.TensorSpec([None, None], tf.string),
                tf.TensorSpec([], tf.int32),
            ],
            autograph=False,
        )
