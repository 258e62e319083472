from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class DecodingResult(NamedTuple):
    """What a decoding strategy returns.

    Args:
        token_ids: int32 `[batch, n_best, max_length]`, best first, without the
            start token; after the end token only padding.
        scores: float32 `[batch, n_best]`, log-probability of the sequence, divided
            by its length penalty where there is one.
        token_scores: float32 `[batch, n_best, max_length]`, log-probability of each
            token given those before it; 0 after the end.
    """

    token_ids: tf.Tensor
    scores: tf.Tensor
    token_scores: tf.Tensor
