from __future__ import annotations

import keras
from keras import ops

from mmkeras.layers.fusion.masked_softmax import masked_softmax


@keras.saving.register_keras_serializable(package="mmkeras")
class AttentionPooling(keras.layers.Layer):
    """A weighted mean of tokens, with weights that an MLP finds.

    `sum_i a_i x_i`, with `a = softmax over i of (v . relu(W x_i + b))`, and a learned
    vector where the modality is absent.

    `dim^2 + 3 * dim` parameters, `n * (2 * dim^2 + 4 * dim)` FLOPs.

    Call arguments:
        tokens: float `[rows, n, dim]`, finite also where the mask is False.
        mask: bool `[rows, n]`.

    Output shape:
        `[rows, dim]`, and the weights, float32 `[rows, n]`, all 0 where it is absent.

    Reference:
        - [Yu et al., 2019](https://arxiv.org/abs/1906.10770), section 4.2
    """

    def build(self, tokens_shape):
        dim, policy = tokens_shape[-1], self.dtype_policy
        self.hidden = keras.layers.Dense(dim, "relu", name="hidden", dtype=policy)
        self.score = keras.layers.Dense(1, use_bias=False, name="score", dtype=policy)
        for layer in (self.hidden, self.score):
            layer.build(tokens_shape)
        self.absent = self.add_weight(
            name="absent", shape=(dim,), initializer="random_normal"
        )

    def call(self, tokens, mask):
        scores = ops.squeeze(self.score(self.hidden(tokens)), -1)
        weights = masked_softmax(scores, mask)
        shares = ops.cast(ops.expand_dims(weights, 1), tokens.dtype)
        pooled = ops.squeeze(ops.matmul(shares, tokens), 1)
        present = ops.any(mask, axis=1, keepdims=True)
        return ops.where(present, pooled, ops.cast(self.absent, pooled.dtype)), weights

    def compute_output_shape(self, tokens_shape):
        return (tokens_shape[0], tokens_shape[-1]), tuple(tokens_shape[:-1])
