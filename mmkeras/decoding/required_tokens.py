from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf


class RequiredTokens:
    """Sequences of tokens that a text must hold, and how far a beam has come.

    Beam search would drop the beams that write what is required, which is seldom
    what is likeliest. It keeps beams at every stage instead (`BeamSearch`), and asks
    this class which stage a beam is at and what would bring it further.

    Args:
        sequences: sequence of sequences of int, each of which must be in the text as a
            whole, in any order.
        continuation_ids: sequence of int, the tokens that go on with the word before
            them. A sequence that one of them follows is part of another word and does
            not count.

    Raises:
        ValueError: if a sequence is empty.

    Reference:
        - [Hokamp and Liu, 2017](https://arxiv.org/abs/1704.07138)
        - [Post and Vilar, 2018](https://arxiv.org/abs/1804.06609), section 3
    """

    def __init__(
        self,
        sequences: Sequence[Sequence[int]],
        continuation_ids: Sequence[int] = (),
    ):
        self.sequences = tuple(tuple(map(int, tokens)) for tokens in sequences)
        if not all(self.sequences):
            raise ValueError("A required sequence of tokens must not be empty.")
        ids = np.asarray(continuation_ids, int)
        # The last place stands for all tokens beyond the largest of these.
        self._continues = np.isin(np.arange(max(ids, default=0) + 2), ids)
        self.total = sum(map(len, self.sequences))

    def met(self, written: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
        """How many of the required tokens a text has.

        Args:
            written: int32 `[..., max_length]`, the tokens so far, and anything from
                `position` on.
            position: int32 scalar, number of tokens written.

        Returns:
            int32 `[...]`, `self.total` where nothing is missing. Of the sequences that
            are not there as a whole, one that is being written counts as far as it is.
        """
        whole, begun = tf.constant(0), tf.constant(0)
        for tokens in self.sequences:
            there = self._holds(written, position, tokens)
            progress = self._progress(written, position, tokens)
            whole += tf.where(there, len(tokens), 0)
            begun = tf.maximum(begun, tf.where(there, 0, progress))
        return whole + begun

    def next_tokens(self, written: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
        """The tokens that would bring a text further.

        Args:
            written, position: as `met` takes them.

        Returns:
            int32 `[..., sequences]`: of each sequence the token after what stands of
            it at the end of the text.
        """
        tokens = [
            tf.gather(tf.constant(tokens), self._progress(written, position, tokens))
            for tokens in self.sequences
        ]
        return tf.stack(tokens, axis=-1)

    def _holds(self, written, position, tokens):
        """bool `[...]`: whether the whole sequence stands somewhere."""
        size, length = len(tokens), written.shape[-1]
        starts = length - size + 1
        same = tf.range(starts) + size <= position
        for index, token in enumerate(tokens):
            same &= tf.equal(written[..., index : index + starts], token)
        return tf.reduce_any(same & ~self._goes_on(written, position, size), axis=-1)

    def _goes_on(self, written, position, size):
        """bool `[..., starts]`: whether the word goes on after `size` tokens."""
        after = written[..., size:]
        table = tf.constant(self._continues)
        is_continuation = tf.gather(table, tf.minimum(after, len(self._continues) - 1))
        is_continuation &= tf.range(size, written.shape[-1]) < position
        # Nothing follows the sequence that ends with the text.
        return tf.concat(
            [is_continuation, tf.zeros_like(written[..., :1], tf.bool)], -1
        )

    def _progress(self, written, position, tokens):
        """int32 `[...]`: the longest beginning of the sequence that ends the text."""
        longest = tf.zeros_like(written[..., 0])
        for size in range(1, len(tokens)):
            places = tf.maximum(position - size + tf.range(size), 0)
            last = tf.gather(written, places, axis=-1)
            same = tf.reduce_all(tf.equal(last, tf.constant(tokens[:size])), axis=-1)
            longest = tf.where(same & (position >= size), size, longest)
        return longest
