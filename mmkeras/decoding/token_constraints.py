from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from mmkeras.arguments import real_number, whole_number

# The log-probability of a forbidden token.
NEVER = -1e9


class TokenConstraints:
    """Rules on which token may come next, applied to logits in graph.

    A forbidden token gets the log-probability `-1e9`; the others keep the model's, so
    a search finds the likeliest of the allowed sequences. If no token is allowed, the
    sequence ends.

    Args:
        end_token_id: int, ends a sequence.
        min_length: int, minimum number of tokens before the end token.
        no_repeat_ngram_size: int, never repeat an n-gram of this size; 0 disables it.
        forbidden: sequence of sequences of int, token sequences that are never written.
        repetition_penalty: float of at least 1, which disables it. The positive logits
            of tokens that the text already contains are divided by it, the negative
            ones multiplied, before the log-softmax.

    Call arguments:
        logits: float32 `[..., vocabulary_size]`.
        written: int32 `[..., max_length]`, the tokens so far; those from `position`
            on are ignored.
        position: int32 scalar, number of tokens written.

    Returns:
        float32 log-probabilities of the shape of `logits`.

    Raises:
        ValueError: if an argument has the wrong type or is out of range.

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
        self.forbidden = tuple(tuple(map(int, tokens)) for tokens in forbidden)
        if not all(self.forbidden):
            raise ValueError("A forbidden sequence of tokens must not be empty.")
        if (end_token_id,) in self.forbidden:
            raise ValueError(
                f"The end token {end_token_id} cannot be forbidden, or no text would "
                "end. For longer text, set `min_length`."
            )
        self.end_token_id = end_token_id
        self.min_length = whole_number("min_length", min_length, minimum=0)
        self.no_repeat_ngram_size = whole_number(
            "no_repeat_ngram_size", no_repeat_ngram_size, minimum=0
        )
        self.repetition_penalty = real_number(
            "repetition_penalty", repetition_penalty, minimum=1, below=float("inf")
        )

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
        """bool `[rows, vocabulary]`, or `None` if there are no rules."""
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
        """bool `[rows, vocabulary]`: tokens that would repeat an n-gram."""
        size, length = self.no_repeat_ngram_size, written.shape[-1]
        starts = length - size + 1
        places = tf.maximum(position - size + 1 + tf.range(size - 1), 0)
        suffix = tf.expand_dims(tf.gather(written, places, axis=1), 1)
        windows = [written[:, i : i + starts] for i in range(size - 1)]
        # Only n-grams that are complete before this position count.
        same = tf.range(starts) + size - 1 < position
        if windows:
            equal = tf.equal(tf.stack(windows, axis=-1), suffix)
            same &= tf.reduce_all(equal, axis=-1)
        else:
            same = tf.ones_like(written, tf.bool) & same
        return _at(written[:, size - 1 :], same, vocabulary)

    def _penalise(self, logits, written, position):
        is_written = tf.ones_like(written, tf.bool)
        is_written &= tf.range(written.shape[-1]) < position
        seen = _at(written, is_written, logits.shape[-1])
        penalty = self.repetition_penalty
        lowered = tf.where(logits > 0, logits / penalty, logits * penalty)
        return tf.where(seen, lowered, logits)


def _at(tokens, mask, vocabulary):
    """bool `[rows, vocabulary]`: which tokens occur where a mask is true."""
    rows = tf.shape(tokens)[0]
    row = tf.expand_dims(tf.range(rows), 1) + tf.zeros_like(tokens)
    index = tf.stack([row, tokens], axis=-1)
    counts = tf.scatter_nd(index, tf.cast(mask, tf.int32), [rows, vocabulary])
    return counts > 0
