from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

NEVER = -1e9


class TokenConstraints:
    """Rules on which tokens may follow what has been written, in graph.

    A forbidden token has the log-probability `-1e9`; the others keep the model's, so
    that a search finds the likeliest of the allowed sequences. A sequence for which
    no token is allowed ends.

    Args:
        end_token_id: int.
        min_length: int, the fewest tokens before the end token.
        no_repeat_ngram_size: int `n`; no `n` tokens in a row are written twice. 0
            for any.
        forbidden: sequence of sequences of int, none of which is written as a whole.
        repetition_penalty: float, by which the logits of tokens that are written
            already are divided where positive, and multiplied where negative; 1 for
            none. Log-probabilities are of the logits after that.

    Call arguments:
        logits: float32 `[..., vocabulary_size]`.
        written: int32 `[..., max_length]`, the tokens so far, and anything from
            `position` on.
        position: int32 scalar, number of tokens written.

    Returns:
        float32 log-probabilities of the shape of `logits`.

    Raises:
        ValueError: if an option is out of range.

    Reference:
        - [Paulus et al., 2017](https://arxiv.org/abs/1705.04304), section 2.5
          (repeated n-grams)
        - [Keskar et al., 2019](https://arxiv.org/abs/1909.05858), section 4.1
          (repetition penalty)
    """

    def __init__(
        self,
        end_token_id: int,
        min_length: int = 0,
        no_repeat_ngram_size: int = 0,
        forbidden: Sequence[Sequence[int]] = (),
        repetition_penalty: float = 1.0,
    ):
        for name, value in (
            ("min_length", min_length),
            ("no_repeat_ngram_size", no_repeat_ngram_size),
        ):
            if not isinstance(value, int) or value < 0:
                raise ValueError(
                    f"`{name}` must be an integer of at least 0. Received: "
                    f"{name}={value!r}."
                )
        if not 1 <= repetition_penalty < float("inf"):
            raise ValueError(
                "`repetition_penalty` must be at least 1, which turns it off. "
                f"Received: repetition_penalty={repetition_penalty!r}."
            )
        self.forbidden = tuple(tuple(map(int, tokens)) for tokens in forbidden)
        if not all(self.forbidden):
            raise ValueError("A forbidden sequence of tokens must not be empty.")
        if (end_token_id,) in self.forbidden:
            raise ValueError(
                f"The end token {end_token_id} cannot be forbidden: nothing would end. "
                "Give `min_length` for longer text."
            )
        self.end_token_id = end_token_id
        self.min_length = min_length
        self.no_repeat_ngram_size = no_repeat_ngram_size
        self.repetition_penalty = float(repetition_penalty)

    def __call__(
        self, logits: tf.Tensor, written: tf.Tensor, position: tf.Tensor
    ) -> tf.Tensor:
        vocabulary, length = logits.shape[-1], written.shape[-1]
        shape = tf.shape(logits)
        logits = tf.reshape(logits, [-1, vocabulary])
        written = tf.reshape(written, [-1, length])
        if self.repetition_penalty != 1:
            logits = self._penalise(logits, written, position)
        log_probs = tf.nn.log_softmax(logits)
        banned = self._banned(written, position, vocabulary)
        if banned is not None:
            log_probs = tf.where(banned, NEVER, log_probs)
            stuck = tf.reduce_all(banned, axis=-1, keepdims=True)
            is_end = tf.equal(tf.range(vocabulary), self.end_token_id)
            log_probs = tf.where(stuck & is_end, 0.0, log_probs)
        return tf.reshape(log_probs, shape)

    def _banned(self, written, position, vocabulary):
        """bool `[rows, vocabulary]`, or `None` if there are no rules at all."""
        rules = []
        if self.min_length:
            is_end = tf.equal(tf.range(vocabulary), self.end_token_id)
            rules.append(is_end & (position < self.min_length))
        singles = [tokens[0] for tokens in self.forbidden if len(tokens) == 1]
        if singles:
            rules.append(tf.constant(np.isin(np.arange(vocabulary), singles)))
        for *prefix, last in self.forbidden:
            if prefix:
                follows = self._ends_with(written, position, prefix)
                is_last = tf.equal(tf.range(vocabulary), last)
                rules.append(tf.expand_dims(follows, 1) & is_last)
        size = self.no_repeat_ngram_size
        if 0 < size <= written.shape[-1]:
            rules.append(self._repeating(written, position, vocabulary))
        if not rules:
            return None
        none = tf.zeros([tf.shape(written)[0], vocabulary], tf.bool)
        return functools.reduce(tf.logical_or, rules, none)

    def _ends_with(self, written, position, prefix):
        size = len(prefix)
        places = tf.maximum(position - size + tf.range(size), 0)
        same = tf.equal(tf.gather(written, places, axis=1), tf.constant(prefix))
        return tf.reduce_all(same, axis=1) & (position >= size)

    def _repeating(self, written, position, vocabulary):
        """Tokens that would complete an n-gram that is written already."""
        size, length = self.no_repeat_ngram_size, written.shape[-1]
        starts = length - size + 1
        places = tf.maximum(position - size + 1 + tf.range(size - 1), 0)
        suffix = tf.expand_dims(tf.gather(written, places, axis=1), 1)
        windows = [written[:, i : i + starts] for i in range(size - 1)]
        # The n-gram must be whole before this position; so is then its suffix.
        same = tf.range(starts) + size - 1 < position
        if windows:
            equal = tf.equal(tf.stack(windows, axis=-1), suffix)
            same &= tf.reduce_all(equal, axis=-1)
        else:
            same = tf.ones_like(written, tf.bool) & same
        return _at(written[:, size - 1 :], same, vocabulary)

    def _penalise(self, logits, written, position):
        seen = tf.ones_like(written, tf.bool)
        seen &= tf.range(written.shape[-1]) < position
        seen = _at(written, seen, logits.shape[-1])
        penalty = self.repetition_penalty
        lowered = tf.where(logits > 0, logits / penalty, logits * penalty)
        return tf.where(seen, lowered, logits)


def _at(tokens, where, vocabulary):
    """bool `[rows, vocabulary]`: which tokens stand somewhere that counts."""
    rows = tf.shape(tokens)[0]
    row = tf.expand_dims(tf.range(rows), 1) + tf.zeros_like(tokens)
    index = tf.stack([row, tokens], axis=-1)
    counts = tf.scatter_nd(index, tf.cast(where, tf.int32), [rows, vocabulary])
    return counts > 0
