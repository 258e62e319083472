from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import tensorflow as tf

from mmkeras.decoding import DecodingOptions, DecodingResult
from mmkeras.models.image_captioner.image_captioner_backbone import (
    ImageCaptionerBackbone,
)
from mmkeras.preprocessing import WordPieceTokenizer


class CaptionGenerator:
    """The decoding loop of a captioner, a graph for each set of options.

    Args:
        backbone: an `ImageCaptionerBackbone`.
        tokenizer: a `WordPieceTokenizer`.
    """

    def __init__(self, backbone: ImageCaptionerBackbone, tokenizer: WordPieceTokenizer):
        self.backbone = backbone
        self.tokenizer = tokenizer
        self._graphs = {}

    def get(
        self, options: DecodingOptions, jit_compile: bool = False
    ) -> Callable[[tf.Tensor], DecodingResult]:
        """The loop with its options.

        Args:
            options: a `DecodingOptions`.
            jit_compile: bool, whether to compile the loop with XLA, anew for each
                power of two of pictures. The image encoder is not compiled so: XLA
                makes depthwise convolutions several times slower on CPUs.

        Returns:
            A function, traced once whatever the seed is, from float32
            `[batch, size, size, 3]` to a `DecodingResult`. With `jit_compile=True` it
            is no part of another graph.

        Raises:
            ValueError: if `max_length`, `min_length` or the required words are not
                what the model can write.
        """
        # What is wrong with the options is found here, outside of the graph.
        max_length = self._check_lengths(options, options.search(self.tokenizer))
        # The seed is given to the graph at each call, not a part of it.
        seed = 0 if options.seed is None else options.seed
        drawn_anew = options.seed is None
        key = (dataclasses.replace(options, seed=None), drawn_anew, jit_compile)
        if key not in self._graphs:
            self._graphs[key] = self._trace(options, max_length, jit_compile)
        return functools.partial(self._graphs[key], seed=tf.constant(seed))

    def untraced(self, options: DecodingOptions) -> Callable[..., DecodingResult]:
        """The loop as a part of another graph, whose shapes it then has.

        Args:
            options: a `DecodingOptions`.

        Returns:
            A function from float32 `[batch, size, size, 3]` to a `DecodingResult`.

        Raises:
            ValueError: as `get` does.
        """
        max_length = self._check_lengths(options, options.search(self.tokenizer))

        def write(images):
            search = self._search(options, options.seed)
            return self._write(self.backbone.memory(images), search, max_length)

        return write

    def _check_lengths(self, options, search) -> int:
        limit = self.backbone.max_length
        max_length = limit if options.max_length is None else options.max_length
        if not 1 <= max_length <= limit:
            raise ValueError(
                f"`max_length` must be between 1 and {limit}, the longest caption "
                f"this model was made for. Received: max_length={max_length!r}."
            )
        if options.min_length > max_length:
            raise ValueError(
                f"`min_length` must be at most {max_length}, the longest caption. "
                f"Received: min_length={options.min_length}."
            )
        required = getattr(search, "required", None)
        if required is not None and required.total > max_length:
            raise ValueError(
                f"The required words have {required.total} tokens, a caption has at "
                f"most {max_length}. Received: "
                f"required_words={list(options.required_words)}."
            )
        return max_length

    def _search(self, options, seed):
        return options.search(
            self.tokenizer, seed=None if options.seed is None else seed
        )

    def _trace(self, options, max_length, jit_compile):
        side = self.backbone.image_encoder.image_size
        images = tf.TensorSpec([None, side, side, 3], tf.float32)
        seed = tf.TensorSpec([], tf.int32)

        def write(memory, seed):
            search = self._search(options, seed)
            return self._write(memory, search, max_length, jit_compile)

        if not jit_compile:
            return tf.function(
                lambda images, seed: write(self.backbone.memory(images), seed),
                input_signature=[images, seed],
                autograph=False,
            )
        remember = tf.function(
            self.backbone.memory, input_signature=[images], autograph=False
        )
        write = tf.function(write, autograph=False, jit_compile=True)
        return functools.partial(_write_padded, remember, write)

    def _write(self, memory, search, max_length, compiled=False) -> DecodingResult:
        decoder = self.backbone.text_decoder
        cache, fixed = decoder.start(memory, search.num_beams, max_length, compiled)

        def step(token_ids, position, cache, lineage):
            return decoder.step(token_ids, position, cache, fixed, lineage)

        return search(step, cache, tf.shape(memory)[0], max_length)


def _write_padded(remember, write, images, seed) -> DecodingResult:
    """Decodes a batch of the next power of two, so that few sizes are compiled."""
    rows = images.shape[0]
    memory = remember(images)
    size = 1 << max(0, rows - 1).bit_length()
    memory = tf.pad(memory, [[0, size - rows], [0, 0], [0, 0]])
    return tf.nest.map_structure(lambda part: part[:rows], write(memory, seed))
