from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import tensorflow as tf

from mmkeras.decoding import DecodingOptions, DecodingResult, build_search
from mmkeras.layers.text_decoder import TextDecoder

if TYPE_CHECKING:
    from mmkeras.preprocessing import WordPieceTokenizer


class TextGenerator:
    """Writes text about encoded inputs: one traced graph for each set of options.

    Args:
        decoder: a `TextDecoder`.
        tokenizer: the tokenizer of the text.
        encode: function from input tensors to the memory of the decoder, float
            `[rows, memory_length, dim]`.
        inputs: list of `tf.TensorSpec`, the inputs of `encode`.
        text: string, what error messages call the text: `"caption"`.
    """

    def __init__(
        self,
        decoder: TextDecoder,
        tokenizer: WordPieceTokenizer,
        encode: Callable[..., tf.Tensor],
        inputs: list[tf.TensorSpec],
        text: str,
    ):
        self._decoder = decoder
        self._tokenizer = tokenizer
        self._encode = encode
        self._inputs = inputs
        self._text = text
        self._graphs = {}

    def traced(
        self, options: DecodingOptions, jit_compile: bool = False
    ) -> Callable[..., DecodingResult]:
        """The generator as a graph.

        Args:
            options: a `DecodingOptions`.
            jit_compile: bool, whether to compile the decoding loop with XLA, once for
                each power of two of rows. The encoder is not compiled: XLA makes
                depthwise convolutions several times slower on CPUs. Such a function
                cannot be a part of another graph.

        Returns:
            A function from the inputs of `encode` to a `DecodingResult`. It is traced
            once for all seeds.

        Raises:
            ValueError: if the lengths or the required words do not fit the model.
        """
        max_length = self._max_length(options)
        # The seed is an input of the graph.
        seed = 0 if options.seed is None else options.seed
        key = (
            dataclasses.replace(options, seed=None),
            options.seed is None,
            jit_compile,
        )
        if key not in self._graphs:
            self._graphs[key] = self._trace(options, max_length, jit_compile)
        return functools.partial(self._graphs[key], seed=tf.constant(seed))

    def untraced(
        self,
        options: DecodingOptions,
        encode: Callable[..., tf.Tensor] | None = None,
    ) -> Callable[..., DecodingResult]:
        """The generator as a plain function, to trace as a part of another graph.

        Args:
            options: a `DecodingOptions`.
            encode: function in place of that of the constructor, or `None`.

        Returns:
            A function from the inputs of `encode` to a `DecodingResult`.

        Raises:
            ValueError: as `traced` does.
        """
        max_length = self._max_length(options)
        encode = self._encode if encode is None else encode

        def generate(*inputs):
            search = self._search(options, options.seed)
            return self._decode(encode(*inputs), search, max_length)

        return generate

    def _max_length(self, options) -> int:
        """The maximum number of tokens; checks the options outside of any graph."""
        search = build_search(options, self._tokenizer)
        limit, text = self._decoder.max_length, self._text
        max_length = limit if options.max_length is None else options.max_length
        if not 1 <= max_length <= limit:
            raise ValueError(
                f"`max_length` must be between 1 and {limit}, the length that the "
                f"model was built for. Received: max_length={max_length!r}."
            )
        if options.min_length > max_length:
            raise ValueError(
                f"`min_length` must be at most {max_length}, the maximum length of "
                f"the {text}. Received: min_length={options.min_length}."
            )
        required = getattr(search, "required", None)
        if required is not None and required.total > max_length:
            raise ValueError(
                f"The required words have {required.total} tokens, but the {text} at "
                f"most {max_length}. Received: "
                f"required_words={list(options.required_words)}."
            )
        return max_length

    def _search(self, options, seed):
        seed = None if options.seed is None else seed
        return build_search(options, self._tokenizer, seed)

    def _trace(self, options, max_length, jit_compile):
        def decode(memory, seed):
            search = self._search(options, seed)
            return self._decode(memory, search, max_length, jit_compile)

        def generate(*inputs, seed):
            return decode(self._encode(*inputs), seed)

        if not jit_compile:
            seed = tf.TensorSpec([], tf.int32, name="seed")
            graph = tf.function(
                lambda *inputs: generate(*inputs[:-1], seed=inputs[-1]),
                input_signature=[*self._inputs, seed],
                autograph=False,
            )
            return lambda *inputs, seed: graph(*inputs, seed)
        encode = tf.function(
            self._encode, input_signature=self._inputs, autograph=False
        )
        compiled = tf.function(decode, autograph=False, jit_compile=True)
        return functools.partial(_decode_padded, encode, compiled)

    def _decode(self, memory, search, max_length, compiled=False) -> DecodingResult:
        decoder = self._decoder
        cache, fixed = decoder.start(memory, search.num_beams, max_length, compiled)

        def step(token_ids, position, cache, lineage):
            return decoder.step(token_ids, position, cache, fixed, lineage)

        return search(step, cache, tf.shape(memory)[0], max_length)


def _decode_padded(encode, decode, *inputs, seed):
    """Decodes a batch of the next power of two, so that few sizes are compiled."""
    memory = encode(*inputs)
    rows = memory.shape[0]
    size = 1 << max(0, rows - 1).bit_length()
    memory = tf.pad(memory, [[0, size - rows], [0, 0], [0, 0]])
    return tf.nest.map_structure(lambda part: part[:rows], decode(memory, seed))
