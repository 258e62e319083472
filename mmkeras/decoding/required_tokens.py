from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf


class RequiredTokens:
    """Token sequences that a text must contain, and the progress of each beam.

    Required tokens are seldom the likeliest ones, so plain beam search would drop the
    beams that contain them. `BeamSearch` keeps beams at every stage of progress; this
    class computes the stage of a beam and the tokens that advance it.

    Args:
        sequences: sequence of sequences of int. The text must contain each of them
            completely, in any order.
        continuation_ids: sequence of int, tokens that continue the word before them.
            A sequence followed by one of them is part of a longer word and does not
            count.

    Attributes:
        total: int, the number of required tokens.

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
        # The last entry stands for all ids above the largest of these.
        self._continues = np.isin(np.arange(max(ids, default=0) + 2), ids)
        self.total = sum(map(len, self.sequences))

    def met(self, written: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
        """Counts the required tokens that a text contains.

        Args:
            written: int32 `[..., max_length]`, the tokens so far; those from
                `position` on are ignored.
            position: int32 scalar, number of tokens written.

        Returns:
            int32 `[...]`, `self.total` if nothing is missing. Tokens of complete
            sequences count, and those of the longest incomplete sequence that the text
            ends with.
        """
        complete, begun = tf.constant(0), tf.constant(0)
        for tokens in self.sequences:
            contained = self._contains(written, position, tokens)
            progress = self._progress(written, position, tokens)
            complete += tf.where(contained, len(tokens), 0)
            begun = tf.maximum(begun, tf.where(contained, 0, progress))
        return complete + begun

    def next_tokens(self, written: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
        """Finds the tokens that advance a text.

        Args:
            written: as for `met`.
            position: as for `met`.

        Returns:
            int32 `[..., sequences]`: the token of each sequence that follows the part
            of it that the text ends with.
        """
        tokens = [
            tf.gather(tf.constant(tokens), self._progress(written, position, tokens))
            for tokens in self.sequences
        ]
        return tf.stack(tokens, axis=-1)

    def _contains(self, written, position, tokens):
        """bool `[...]`: whether the text contains the whole sequence."""
        size, length = len(tokens), written.shape[-1]
        starts = length - size + 1
        same = tf.range(starts) + size <= position
        for index, token in enumerate(tokens):
            same &= tf.equal(written[..., index : index + starts], token)
        return tf.reduce_any(
            same & ~self._is_continued(written, position, size), axis=-1
        )

    def _is_continued(self, written, position, size):
        """bool `[..., starts]`: whether the word continues after `size` tokens."""
        after = written[..., size:]
        table = tf.constant(self._continues)
        is_continuation = tf.gather(table, tf.minimum(after, len(self._continues) - 1))
        is_continuation &= tf.range(size, written.shape[-1]) < position
        # Nothing follows a sequence at the end of the text.
        return tf.concat(
            [is_continuation, tf.zeros_like(written[..., :1], tf.bool)], -1
        )

    def _progress(self, written, position, tokens):
        """int32 `[...]`: size of the longest prefix that the text ends with."""
        longest = tf.zeros_like(written[..., 0])
        for size in range(1, len(tokens)):
            places = tf.maximum(position - size + tf.range(size), 0)
            last = tf.gather(written, places, axis=-1)
            same = tf.reduce_all(tf.equal(last, tf.constant(tokens[:size])), axis=-1)
            longest = tf.where(same & (position >= size), size, longest)
        return longest
