from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class DecodingResult(NamedTuple):
    """The output of a decoding strategy.

    Attributes:
        token_ids: int32 `[batch, num_sequences, max_length]`, best first, without the
            start token; padding after the end token.
        scores: float32 `[batch, num_sequences]`, log-probability of each sequence,
            divided by its length penalty if there is one.
        token_scores: float32 `[batch, num_sequences, max_length]`, log-probability of
            each token given the previous ones; 0 after the end token.
    """

    token_ids: tf.Tensor
    scores: tf.Tensor
    token_scores: tf.Tensor
