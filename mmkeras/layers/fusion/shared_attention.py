from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.arguments import whole_number
from mmkeras.layers.fusion.fusion_block import FusionBlock, attention_by_modality
from mmkeras.layers.fusion.token_projection import TokenProjection
from mmkeras.layers.masked_mean import masked_mean
from mmkeras.layers.masked_softmax import masked_softmax

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class SharedAttentionFusion(FusionBlock):
    """Shared attention: a joint query attends to the tokens of all modalities.

    With `t` the concatenated projected tokens of all modalities (`TokenProjection`),
    keys and values shared by all modalities and layers, and a query that is initially
    the sum of a learned vector and the means of the present modalities:

    ```
    key, value = W_k t + b_k, W_v t + b_v
    q = q_0 + sum_k mean(t_k)
    q = q + W_o softmax((W_q LayerNorm(q) + b_q) . key / sqrt(d / heads)) value + b_o
    q = q + W_2 gelu(W_1 LayerNorm(q) + b_1) + b_2
    fused = LayerNorm(q)
    ```

    The third and fourth line are repeated `num_layers` times, with `num_heads` heads
    and separate weights except for keys and values. With a single query, the cost is
    linear in the number of tokens, not quadratic.

    With tokens of `d_k`, `d` = `dim`, `m` = `intermediate_dim`, `L` = `num_layers` and
    `N = sum_k n_k`, it has `sum_k (d_k d + 3 d) + 2 d^2 + 2 d
    + L (2 d^2 + 2 d m + 7 d + m) + 4 d` parameters, and needs about
    `2 sum_k n_k d_k d + 4 N d^2 + L (4 d^2 + 4 N d + 4 d m)` FLOPs per row.

    Args:
        dim: int, dimension of the output and of the inner layers.
        num_layers: int, number of layers.
        num_heads: int, number of attention heads; must divide `dim`.
        intermediate_dim: int, width of the feed-forward networks; 0 for twice `dim`.
        dropout: float, fraction of the activations to drop in training.

    Call arguments, output shape:
        Same as `FusionBlock`, with the attention of the last layer as details, averaged
        over the heads, within each modality.

    Raises:
        ValueError: as `FusionBlock`, and if `num_heads` does not divide `dim` or
            `num_layers` is not a positive integer.

    Example:
        >>> fusion = SharedAttentionFusion(dim=64)
        >>> fused = fusion([image_tokens, text_tokens], masks=[None, text_mask])

    Reference:
        - [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762)
        - [Jaegle et al., 2021](https://arxiv.org/abs/2103.03206) (a learned query
          that attends to tokens of any modality repeatedly)
    """

    def __init__(
        self,
        dim: int,
        num_layers: int = 2,
        num_heads: int = 4,
        intermediate_dim: int = 0,
        dropout: float = 0.1,
        **kwargs: Any,
    ):
        super().__init__(dim, dropout, **kwargs)
        self.num_layers = whole_number("num_layers", num_layers, 1)
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.check_heads(num_heads)

    def build_parts(self) -> None:
        dim = self.dim
        self.projections = [
            self.built_part(TokenProjection, f"projection_{k}", (None, None, size), dim)
            for k, size in enumerate(self.token_dims)
        ]
        self.query = self.add_weight(
            name="query", shape=(dim,), initializer="random_normal"
        )
        self.key_value = self.built_part(
            keras.layers.Dense, "key_value", (None, None, dim), 2 * dim
        )
        self.query_layers = [
            self.built_part(
                _QueryLayer,
                f"layer_{layer}",
                (None, dim),
                self.num_heads,
                self.intermediate_dim or 2 * dim,
                self.dropout_rate,
            )
            for layer in range(self.num_layers)
        ]
        self.norm = self.built_norm("norm")

    def fuse(
        self, tokens: list[tf.Tensor], masks: list[tf.Tensor], training: bool | None
    ) -> tuple[tf.Tensor, dict[str, list[tf.Tensor]]]:
        xs = [project(x) for project, x in zip(self.projections, tokens, strict=True)]
        both = self.key_value(ops.concatenate(xs, axis=1))
        key, value = (self._split_heads(part) for part in ops.split(both, 2, axis=-1))
        means = [masked_mean(x, mask) for x, mask in zip(xs, masks, strict=True)]
        query = sum(means) + ops.cast(self.query, means[0].dtype)
        mask = ops.concatenate(masks, axis=1)
        for layer in self.query_layers:
            query, attention = layer(query, key, value, mask, training=training)
        attention = attention_by_modality(ops.mean(attention, axis=1), masks)
        return self.norm(query), {"attention": attention}

    def _split_heads(self, x):
        size = self.dim // self.num_heads
        x = ops.reshape(x, (-1, ops.shape(x)[1], self.num_heads, size))
        return ops.transpose(x, (0, 2, 1, 3))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
        }


class _QueryLayer(keras.layers.Layer):
    """A pre-norm transformer block for one query, with given keys and values."""

    def __init__(self, num_heads, intermediate_dim, dropout, **kwargs):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.dropout = keras.layers.Dropout(dropout, dtype=self.dtype_policy)

    def build(self, query_shape):
        dim, wide = query_shape[-1], (None, self.intermediate_dim)
        self.norm = self._part(keras.layers.LayerNormalization, query_shape, "norm")
        self.query = self._part(keras.layers.Dense, query_shape, "query", dim)
        self.mixed = self._part(keras.layers.Dense, query_shape, "mixed", dim)
        self.feed_norm = self._part(
            keras.layers.LayerNormalization, query_shape, "feed_norm"
        )
        self.feed_in = self._part(
            keras.layers.Dense, query_shape, "feed_in", self.intermediate_dim, "gelu"
        )
        self.feed_out = self._part(keras.layers.Dense, wide, "feed_out", dim)

    def _part(self, layer_class, shape, name, *args):
        norm = layer_class is keras.layers.LayerNormalization
        extra = {"epsilon": 1e-5} if norm else {}
        layer = layer_class(*args, name=name, dtype=self.dtype_policy, **extra)
        layer.build(shape)
        return layer

    def call(self, x, key, value, mask, training=None):
        heads, size = key.shape[1], key.shape[3]
        query = ops.reshape(self.query(self.norm(x)), (-1, heads, 1, size))
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))
        scores = ops.cast(ops.squeeze(scores, 2), "float32") * size**-0.5
        weights = masked_softmax(scores, ops.expand_dims(mask, 1))
        mixed = ops.matmul(ops.cast(ops.expand_dims(weights, 2), value.dtype), value)
        mixed = self.mixed(ops.reshape(mixed, (-1, heads * size)))
        x = x + self.dropout(mixed, training=training)
        fed = self.feed_out(self.feed_in(self.feed_norm(x)))
        return x + self.dropout(fed, training=training), weights
