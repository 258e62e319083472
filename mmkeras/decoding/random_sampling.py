from __future__ import annotations

import tensorflow as tf

from mmkeras.arguments import real_number, whole_number
from mmkeras.decoding.stepwise_search import StepwiseSearch
from mmkeras.decoding.token_constraints import TokenConstraints


class RandomSampling(StepwiseSearch):
    """Random sampling: draws each token by its probability, in one graph loop.

    Args:
        start_token_id: int, fed at position 0.
        end_token_id: int, ends a hypothesis.
        pad_token_id: int, fills the rows after the end token.
        constraints: a `TokenConstraints`, or `None`.
        num_sequences: int, number of sequences sampled per row.
        temperature: float above 0, divides the log-probabilities before sampling;
            below 1 for less random text, above 1 for more.
        top_k: int, number of tokens with the highest probabilities to sample from; 0
            for all tokens.
        top_p: float in `(0, 1]`, nucleus sampling threshold: tokens are sampled from
            the smallest set of likeliest tokens whose probabilities (after the
            temperature and `top_k`) sum to at least `top_p`.
        seed: int or int32 scalar tensor. With the same seed, the same row gives the
            same samples, whatever else is in the batch. `None` for different samples
            at each call.

    Call arguments:
        step, cache, rows, max_length: see `StepwiseSearch`.

    Returns:
        A `DecodingResult` with `num_sequences` sequences per row. Scores are the
        model's log-probabilities, at a temperature of 1.

    Raises:
        ValueError: if an argument has the wrong type or is out of range.

    Example:
        ```python
        search = RandomSampling(
            start_token_id=2, end_token_id=3, pad_token_id=0, top_p=0.9
        )
        result = search(step, cache, rows=8, max_length=20)
        result.token_ids  # [8, 1, 20]
        ```

    Reference:
        - [Fan et al., 2018](https://arxiv.org/abs/1805.04833) (top-k)
        - [Holtzman et al., 2020](https://arxiv.org/abs/1904.09751) (top-p)
    """

    def __init__(
        self,
        start_token_id: int,
        end_token_id: int,
        pad_token_id: int,
        constraints: TokenConstraints | None = None,
        num_sequences: int = 1,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int | tf.Tensor | None = None,
    ):
        num_sequences = whole_number("num_sequences", num_sequences, minimum=1)
        super().__init__(
            start_token_id, end_token_id, pad_token_id, constraints, num_sequences
        )
        self.temperature = real_number(
            "temperature", temperature, above=0, below=float("inf")
        )
        self.top_k = whole_number("top_k", top_k, minimum=0)
        self.top_p = real_number("top_p", top_p, above=0, maximum=1)
        self.seed = seed

    def choose(self, log_probs: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
        vocabulary = log_probs.shape[-1]
        count = min(self.top_k or vocabulary, vocabulary)
        ranked, tokens = tf.math.top_k(log_probs / self.temperature, k=count)
        probabilities = tf.nn.softmax(ranked)
        before = tf.cumsum(probabilities, axis=-1, exclusive=True)
        # The likeliest token is always kept.
        kept = tf.where(before < self.top_p, probabilities, 0.0)
        up_to = tf.cumsum(kept, axis=-1)
        drawn = self._uniform(tf.shape(tokens)[:-1], position)
        drawn = tf.expand_dims(drawn, -1) * up_to[..., -1:]
        place = tf.reduce_sum(tf.cast(up_to <= drawn, tf.int32), axis=-1)
        # The product may round up to the sum itself, beyond the last kept token.
        last = tf.reduce_sum(tf.cast(kept > 0, tf.int32), axis=-1) - 1
        place = tf.minimum(place, last)
        return tf.gather(tokens, place, batch_dims=2)

    def _uniform(self, shape, position):
        if self.seed is None:
            return tf.random.uniform(shape)
        # All rows share the same numbers, so none depends on its neighbours.
        drawn = tf.random.stateless_uniform(shape[1:], seed=[self.seed, position])
        return tf.broadcast_to(drawn, shape)
