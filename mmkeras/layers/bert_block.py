from __future__ import annotations

import keras
from keras import ops

from mmkeras.layers.attention_block import AttentionBlock


@keras.saving.register_keras_serializable(package="mmkeras")
class BertBlock(AttentionBlock):
    """The transformer block of BERT: normalised after each part, not before.

    Args:
        num_heads: int, must divide the dimension of the input.
        intermediate_dim: int, width of the feed-forward part.
        dropout: float, share of activations dropped in training.

    Call arguments:
        inputs: float `[batch, length, dim]`.
        key_mask: bool `[batch, length]`, True where `inputs` count.
        training: bool.

    Output shape:
        `[batch, length, dim]`.

    Reference:
        - [Devlin et al., 2018](https://arxiv.org/abs/1810.04805)
    """

    def __init__(
        self, num_heads: int, intermediate_dim: int, dropout: float = 0.0, **kwargs
    ):
        super().__init__(num_heads, intermediate_dim, dropout, **kwargs)

    def build(self, inputs_shape):
        super().build(inputs_shape)

    def _norm(self, name):
        norm = self._part(name, keras.layers.LayerNormalization, epsilon=1e-12)
        norm.build((None, None, self.dim))
        return norm

    def call(self, inputs, key_mask=None, training=None):
        query, key, value = self._split(self.self_qkv(inputs))
        mask = None if key_mask is None else ops.expand_dims(key_mask, (1, 2))
        mixed, _ = self.attend(query, key, value, mask)
        mixed = self.dropout(self.self_output(mixed), training=training)
        x = self.self_norm(inputs + mixed)
        fed = self.dropout(self.feed_out(self.feed_in(x)), training=training)
        return self.feed_norm(x + fed)

    def compute_output_shape(self, inputs_shape):
        return inputs_shape

    def get_config(self):
        config = super().get_config()
        # The parts of the parent that BERT has not.
        for part in (
            "causal",
            "cross_attention",
            "grid",
            "word_attention",
            "word_context",
            "memory_grid",
        ):
            config.pop(part)
        return config
