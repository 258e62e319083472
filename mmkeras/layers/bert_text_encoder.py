from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.layers.attention_block import AttentionBlock
from mmkeras.layers.text_encoder import TextEncoder

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class BertTextEncoder(TextEncoder):
    """BERT encoder; `mmkeras.pretrained.read_bert` makes one with pretrained weights.

    Args:
        vocabulary_size: int.
        max_length: int, maximum number of tokens of a text.
        dim: int, dimension of the output.
        num_layers: int, number of transformer blocks.
        num_heads: int, number of attention heads; must divide `dim`.
        intermediate_dim: int, width of the feed-forward networks.
        dropout: float, fraction of the activations to drop in training.
        pad_token_id: int, the padding token.

    Call arguments:
        token_ids: int `[rows, length]`; `length` at most `max_length`.
        training: bool.

    Output shape:
        float `[rows, length, dim]`; 0 at padding.

    Raises:
        ValueError: if the texts are longer than `max_length`.

    Reference:
        - [Devlin et al., 2018](https://arxiv.org/abs/1810.04805)
    """

    def __init__(
        self,
        vocabulary_size: int,
        max_length: int,
        dim: int,
        num_layers: int,
        num_heads: int,
        intermediate_dim: int,
        dropout: float = 0.1,
        pad_token_id: int = 0,
        **kwargs: Any,
    ):
        super().__init__(dim, pad_token_id, **kwargs)
        self.vocabulary_size = vocabulary_size
        self.max_length = max_length
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.dropout_rate = dropout
        policy = self.dtype_policy
        self.embedding = keras.layers.Embedding(
            vocabulary_size,
            dim,
            embeddings_initializer=_initializer(),
            name="embedding",
            dtype=policy,
        )
        self.norm = keras.layers.LayerNormalization(
            epsilon=1e-12, name="norm", dtype=policy
        )
        self.dropout = keras.layers.Dropout(dropout, name="dropout", dtype=policy)
        self.blocks = [
            AttentionBlock(
                num_heads,
                intermediate_dim,
                dropout,
                norm="post",
                norm_epsilon=1e-12,
                name=f"block_{i}",
                dtype=policy,
            )
            for i in range(num_layers)
        ]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.embedding.build(input_shape)
        self.position_embedding = self.add_weight(
            name="position_embedding",
            shape=(self.max_length, self.dim),
            initializer=_initializer(),
        )
        for layer in (self.norm, *self.blocks):
            layer.build((*input_shape, self.dim))

    def encode(
        self, token_ids: tf.Tensor, mask: tf.Tensor, training: bool | None = None
    ) -> tf.Tensor:
        self._require_length(token_ids, self.max_length)
        positions = self.position_embedding[: ops.shape(token_ids)[1]]
        x = self.embedding(token_ids) + ops.cast(positions, self.compute_dtype)
        x = self.dropout(self.norm(x), training=training)
        for block in self.blocks:
            x = block(x, key_mask=mask, training=training)
        return x

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "max_length": self.max_length,
            "dim": self.dim,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "dropout": self.dropout_rate,
            "pad_token_id": self.pad_token_id,
        }


def _initializer():
    return keras.initializers.TruncatedNormal(stddev=0.02)
