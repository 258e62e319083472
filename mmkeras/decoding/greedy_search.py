from __future__ import annotations

import tensorflow as tf

from mmkeras.decoding.stepwise_search import StepwiseSearch
from mmkeras.decoding.token_constraints import TokenConstraints


class GreedySearch(StepwiseSearch):
    """Greedy search: takes the likeliest token at each step, in one graph loop.

    Args:
        start_token_id: int, fed at position 0.
        end_token_id: int, ends a hypothesis.
        pad_token_id: int, fills the rows after the end token.
        constraints: a `TokenConstraints`, or `None`.

    Call arguments:
        step, cache, rows, max_length: see `StepwiseSearch`; with a single beam.

    Returns:
        A `DecodingResult` with one sequence per row. The score has no length penalty.

    Example:
        ```python
        search = GreedySearch(start_token_id=2, end_token_id=3, pad_token_id=0)
        result = search(step, cache, rows=8, max_length=20)
        result.token_ids  # [8, 1, 20]
        ```
    """

    def __init__(
        self,
        start_token_id: int,
        end_token_id: int,
        pad_token_id: int,
        constraints: TokenConstraints | None = None,
    ):
        super().__init__(start_token_id, end_token_id, pad_token_id, constraints)

    def choose(self, log_probs: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
        return tf.argmax(log_probs, axis=-1, output_type=tf.int32)
