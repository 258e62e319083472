from __future__ import annotations

import tensorflow as tf

from mmkeras.decoding.stepwise_search import StepwiseSearch
from mmkeras.decoding.token_constraints import TokenConstraints


class RandomSampling(StepwiseSearch):
    """Draws each token by its probability, in one graph loop.

    Args:
        start_token_id: int, fed at position 0.
        end_token_id: int, which ends a hypothesis.
        pad_token_id: int, written after the end.
        constraints: a `TokenConstraints`, or `None`.
        num_samples: int, hypotheses drawn for each row.
        temperature: float above 0, by which log-probabilities are divided before
            the draw; below 1 for less surprise, above 1 for more.
        top_k: int, only the `top_k` likeliest tokens are drawn from; 0 for all.
        top_p: float in `(0, 1]`, only the fewest likeliest tokens whose
            probabilities (after the temperature and `top_k`) sum to at least
            `top_p` are drawn from.
        seed: int or int32 scalar tensor: the same seed gives the same row the same
            draws, whatever else is in the batch; `None` for other draws at each
            call.

    Call arguments:
        step, cache, rows, max_length: as `StepwiseSearch` takes them.

    Returns:
        A `DecodingResult` with an `n_best` of `num_samples`. Scores are the
        model's log-probabilities, at a temperature of 1.

    Raises:
        ValueError: if an option is out of range.

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
        num_samples: int = 1,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int | tf.Tensor | None = None,
    ):
        if not isinstance(num_samples, int) or num_samples < 1:
            raise ValueError(
                "`num_samples` must be an integer of at least 1. Received: "
                f"num_samples={num_samples!r}."
            )
        if not 0 < temperature < float("inf"):
            raise ValueError(
                "`temperature` must be above 0; leave it out for the likeliest text. "
                f"Received: temperature={temperature!r}."
            )
        if not isinstance(top_k, int) or top_k < 0:
            raise ValueError(
                "`top_k` must be an integer of at least 0, which stands for all "
                f"tokens. Received: top_k={top_k!r}."
            )
        if not 0 < top_p <= 1:
            raise ValueError(
                f"`top_p` must be above 0 and at most 1. Received: top_p={top_p!r}."
            )
        super().__init__(
            start_token_id, end_token_id, pad_token_id, constraints, num_samples
        )
        self.temperature = float(temperature)
        self.top_k = top_k
        self.top_p = float(top_p)
        self.seed = seed

    def choose(self, log_probs: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
        vocabulary = log_probs.shape[-1]
        count = min(self.top_k or vocabulary, vocabulary)
        ranked, tokens = tf.math.top_k(log_probs / self.temperature, k=count)
        probabilities = tf.nn.softmax(ranked)
        before = tf.cumsum(probabilities, axis=-1, exclusive=True)
        # The likeliest one is kept whatever its probability is.
        kept = tf.where(before < self.top_p, probabilities, 0.0)
        up_to = tf.cumsum(kept, axis=-1)
        drawn = self._uniform(tf.shape(tokens)[:-1], position)
        drawn = tf.expand_dims(drawn, -1) * up_to[..., -1:]
        place = tf.reduce_sum(tf.cast(up_to <= drawn, tf.int32), axis=-1)
        # Rounding may carry the product up to the sum itself, past the last kept.
        last = tf.reduce_sum(tf.cast(kept > 0, tf.int32), axis=-1) - 1
        place = tf.minimum(place, last)
        return tf.gather(tokens, place, batch_dims=2)

    def _uniform(self, shape, position):
        if self.seed is None:
            return tf.random.uniform(shape)
        # Each row has the same numbers, so that none depends on its neighbours.
        drawn = tf.random.stateless_uniform(shape[1:], seed=[self.seed, position])
        return tf.broadcast_to(drawn, shape)
