from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from mmkeras.decoding import DecodingOptions, DecodingResult
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

    def untraced(self, options: DecodingOptions) -> Callable[..., DecodingResult]:
        """The loop as a part of another graph, whose shapes it then has.

        Args:
            options: a `DecodingOptions`.

        Returns:
            A function from float32 `[batch, size, size, 3]`, bool `[batch]` and int32
            `[batch, questions, length]`, the token ids of the questions, to a
            `DecodingResult`.

        Raises:
            ValueError: as `get` does.
        """
        write = self.of_regions(options)
        return lambda images, present, token_ids: write(
            self.backbone.regions(images), present, token_ids
        )

    def of_regions(self, options: DecodingOptions) -> Callable[..., DecodingResult]:
        """The same for pictures that are encoded already.

        Args:
            options: a `DecodingOptions`.

        Returns:
            A function as `untraced` returns it, which takes what `backbone.regions`
            makes of the pictures in their place.

        Raises:
            ValueError: as `get` does.
        """
        max_length = self._check_lengths(options, options.search(self.tokenizer))

        def write(regions, present, token_ids):
            memory = self._read(regions, present, token_ids)
            return self._write(memory, self._search(options, options.seed), max_length)

        return write

    def _read(self, regions, present, token_ids):
        read = self.backbone.reader(regions, token_ids, present, training=False)
        return tf.reshape(read, [-1, 1, read.shape[-1]])

    def _trace(self, options, max_length, jit_compile):
        side = self.backbone.image_encoder.image_size

        def answer(images, present, questions, seed):
            regions = self.backbone.regions(images)
            memory = self._read(regions, present, self._tokenize(questions))
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
