from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.arguments import check_choice, whole_number
from mmkeras.layers.activations import ACTIVATIONS
from mmkeras.layers.aligned_glorot_uniform import AlignedGlorotUniform
from mmkeras.layers.attend import attend, key_columns, split_heads
from mmkeras.layers.grid_attention_bias import GridAttentionBias
from mmkeras.layers.word_attention_bias import (
    WordAttentionBias,
    word_context,
    word_context_of_texts,
)

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class AttentionBlock(keras.layers.Layer):
    """Transformer block: self-attention, cross-attention, feed-forward network.

    One block for encoders (`causal=False, cross_attention=False`) and decoders, with
    layer normalization before each part (GPT-2, ViT, CLIP) or after it (BERT).
    Queries, keys and values of self-attention come from one matrix product. `call`
    computes all positions of a sequence at once; `step` computes the next position
    with the keys and values of earlier ones cached.

    Args:
        num_heads: int, number of attention heads; must divide the dimension of the
            input.
        intermediate_dim: int, width of the feed-forward network.
        dropout: float, fraction of the activations to drop in training.
        causal: bool, whether a position attends only to itself and to earlier ones.
        cross_attention: bool, whether the block attends to a second sequence.
        grid: `(rows, columns)` if the sequence is a grid, row by row, whose
            self-attention has a bias by relative position (`GridAttentionBias`);
            `None` for other sequences.
        word_attention: bool, whether cross-attention is biased towards the positions
            that each word is similar to (`WordAttentionBias`).
        word_context: bool, whether it is also biased, head by head, towards the
            positions that are similar to the words which self-attention attends to.
            A word without visual content ("the", "的") can then follow the words it
            belongs to. No effect without `word_attention`.
        memory_grid: `(rows, columns)` of the memory, for `word_attention`; `None` if
            the memory is no grid.
        norm: string, `"pre"` for layer normalization before each part, `"post"` for
            layer normalization of each part's sum with its input.
        norm_epsilon: float, added to the variance by layer normalization.
        activation: string, of the feed-forward network: `"gelu"`, `"gelu_tanh"` (its
            tanh approximation), `"quick_gelu"` (`x * sigmoid(1.702 * x)`) or
            `"relu"`.
        use_bias: bool, whether the dense layers have biases.

    Call arguments:
        inputs: float `[batch, length, dim]`.
        memory: float `[batch / texts, memory_length, memory_dim]`, with
            cross-attention only; `texts` consecutive rows of `inputs` share a row
            of it.
        similarity: float `[batch / texts, texts * length, memory_length]`, the
            similarity of each word to each position of the memory, with
            `word_attention=True` only.
        key_mask: bool `[batch, length]`, True for the positions that self-attention
            may attend to; `None` for all. The output of self-attention is 0 for a row
            without any.
        memory_mask: bool `[batch / texts, memory_length]`, the same for the memory.
        training: bool.
        return_attention: bool, whether to return the weights of cross-attention too,
            or of self-attention if there is no cross-attention.

    Output shape:
        `[batch, length, dim]`, and with `return_attention=True` the weights of
        cross-attention, `[batch / texts, num_heads, texts * length, memory_length]`,
        or of self-attention, `[batch, num_heads, length, length]`.

    Raises:
        ValueError: if `norm` or `activation` is unknown, `num_heads` does not divide
            `dim`, `word_attention` is combined with `cross_attention=False`, or
            `memory` or `similarity` is missing.

    Example:
        ```python
        x = keras.random.normal((2, 16, 64))
        AttentionBlock(num_heads=4, intermediate_dim=128)(x).shape   # (2, 16, 64)
        ```

    Reference:
        - [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762)
        - [Devlin et al., 2018](https://arxiv.org/abs/1810.04805) (post-norm)
        - [Xiong et al., 2020](https://arxiv.org/abs/2002.04745) (pre-norm)
    """

    def __init__(
        self,
        num_heads: int,
        intermediate_dim: int,
        dropout: float = 0.0,
        causal: bool = False,
        cross_attention: bool = False,
        grid: tuple[int, int] | None = None,
        word_attention: bool = False,
        word_context: bool = False,
        memory_grid: tuple[int, int] | None = None,
        norm: str = "pre",
        norm_epsilon: float = 1e-5,
        activation: str = "gelu",
        use_bias: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_choice("norm", norm, ("pre", "post"))
        check_choice("activation", activation, ACTIVATIONS)
        if word_attention and not cross_attention:
            raise ValueError(
                "`word_attention` is a part of cross-attention. Pass "
                "`cross_attention=True` with it."
            )
        self.num_heads = whole_number("num_heads", num_heads, 1)
        self.intermediate_dim = whole_number("intermediate_dim", intermediate_dim, 1)
        self.dropout_rate = dropout
        self.causal = causal
        self.cross_attention = cross_attention
        self.grid = None if grid is None else tuple(grid)
        self.word_attention = word_attention
        self.word_context = word_attention and word_context
        self.memory_grid = None if memory_grid is None else tuple(memory_grid)
        self.norm = norm
        self.norm_epsilon = norm_epsilon
        self.activation = activation
        self.use_bias = use_bias

    def build(
        self,
        inputs_shape: tuple[int | None, ...],
        memory_shape: tuple[int | None, ...] | None = None,
        similarity_shape: tuple[int | None, ...] | None = None,
    ) -> None:
        dim = inputs_shape[-1]
        if dim % self.num_heads:
            raise ValueError(
                f"`num_heads` must divide the dimension of the input, {dim}. "
                f"Received: num_heads={self.num_heads}."
            )
        self.dim = dim
        self.head_dim = dim // self.num_heads
        self.dropout = keras.layers.Dropout(
            self.dropout_rate, name="dropout", dtype=self.dtype_policy
        )
        self.self_norm = self._norm("self_norm")
        self.self_qkv = self._dense("self_qkv", 3 * dim, dim)
        self.self_output = self._dense("self_output", dim, dim)
        self.grid_bias = self._grid_bias()
        if self.cross_attention:
            self._build_cross_attention(
                dim if memory_shape is None else memory_shape[-1]
            )
        if self.word_attention:
            self._build_word_attention(similarity_shape)
        self.feed_norm = self._norm("feed_norm")
        self.feed_in = self._dense(
            "feed_in",
            self.intermediate_dim,
            dim,
            activation=ACTIVATIONS[self.activation],
        )
        self.feed_out = self._dense("feed_out", dim, self.intermediate_dim)

    def _build_cross_attention(self, memory_dim):
        # Only kernels of the same shape can be aligned.
        same = memory_dim == self.dim
        initializer = AlignedGlorotUniform() if same else "glorot_uniform"
        self.cross_norm = self._norm("cross_norm")
        self.cross_query = self._dense(
            "cross_query", self.dim, self.dim, kernel_initializer=initializer
        )
        self.cross_key_value = self._dense(
            "cross_key_value", 2 * self.dim, memory_dim, kernel_initializer=initializer
        )
        self.cross_output = self._dense("cross_output", self.dim, self.dim)

    def _build_word_attention(self, similarity_shape):
        if similarity_shape is None:
            raise ValueError(_NO_SIMILARITY)
        batch, words, positions = similarity_shape
        self.word_bias = self._word_attention_bias("word_bias")
        self.word_bias.build((batch, 1, words, positions))
        if self.word_context:
            self.context_bias = self._word_attention_bias("context_bias", 1)
            self.context_bias.build((batch, self.num_heads, words, positions))

    def _word_attention_bias(self, name, first_head=0):
        # Scores are float32 whatever the policy is.
        return WordAttentionBias(
            self.num_heads, self.memory_grid, first_head, name=name, dtype="float32"
        )

    def _grid_bias(self):
        if self.grid is None:
            return None
        bias = GridAttentionBias(*self.grid, name="grid_bias", dtype="float32")
        cells = self.grid[0] * self.grid[1]
        bias.build((None, self.num_heads, cells, cells))
        return bias

    def _norm(self, name):
        norm = keras.layers.LayerNormalization(
            epsilon=self.norm_epsilon, name=name, dtype=self.dtype_policy
        )
        norm.build((None, None, self.dim))
        return norm

    def _dense(self, name, units, input_dim, **kwargs):
        dense = keras.layers.Dense(
            units,
            use_bias=self.use_bias,
            name=name,
            dtype=self.dtype_policy,
            **kwargs,
        )
        dense.build((None, None, input_dim))
        return dense

    def call(
        self,
        inputs: tf.Tensor,
        memory: tf.Tensor | None = None,
        similarity: tf.Tensor | None = None,
        key_mask: tf.Tensor | None = None,
        memory_mask: tf.Tensor | None = None,
        training: bool | None = None,
        return_attention: bool = False,
    ) -> tf.Tensor | tuple[tf.Tensor, tf.Tensor]:
        query, key, value = self._project_self(inputs)
        mask = _causal_mask(ops.shape(inputs)[1]) if self.causal else None
        mixed, attention = attend(query, key, value, mask, self.grid_bias, key_mask)
        if self.cross_attention:
            memory = self.project_memory(memory)
        context = None
        if self.word_context and similarity is not None:
            context = word_context_of_texts(attention, similarity)
        x, memory_attention = self._finish(
            inputs, mixed, memory, similarity, context, memory_mask, training
        )
        if not return_attention:
            return x
        return x, memory_attention if self.cross_attention else attention

    def empty_cache(self, batch_size: Any, slots: Any) -> dict[str, Any]:
        """The cache of `step` before the first position.

        Args:
            batch_size: int or int scalar tensor.
            slots: int, the maximum number of positions times the number of texts
                decoded together in a row (beams).

        Returns:
            dict of `key`, `[batch, heads, head_dim, slots]`, and `value`,
            `[batch, heads, slots, head_dim]`, filled with zeros.

        Raises:
            ValueError: if the block is not causal or has a `grid`.
        """
        if not self.causal or self.grid is not None:
            raise ValueError(
                "Only a block with `causal=True` and `grid=None` can be computed step "
                f"by step. Received: causal={self.causal}, grid={self.grid}."
            )
        heads = (batch_size, self.num_heads)
        return {
            "key": ops.zeros((*heads, self.head_dim, slots), self.compute_dtype),
            "value": ops.zeros((*heads, slots, self.head_dim), self.compute_dtype),
        }

    def step(
        self,
        inputs: tf.Tensor,
        slot: int | tf.Tensor,
        cache: dict[str, tf.Tensor],
        lineage: tf.Tensor,
        memory: dict[str, tf.Tensor] | None = None,
        similarity: tf.Tensor | None = None,
        cached_similarity: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Computes one position of each text, given the cache of earlier ones.

        Args:
            inputs: float `[batch, copies, dim]`, one position of each of the `copies`
                texts (beams) that are decoded about a row of the memory.
            slot: int scalar, the first of the `copies` slots of the cache that this
                position is written to.
            cache: from `empty_cache` or the last `step`.
            lineage: bool `[batch or 1, copies, slots]`, the slots that each copy
                descends from, those of this position included.
            memory: from `project_memory`, with cross-attention only.
            similarity: float `[batch, copies, memory_length]`, of these words to the
                memory, with `word_attention=True` only.
            cached_similarity: float `[batch, slots, memory_length]`, of the words in
                all slots, with `word_context=True` only.

        Returns:
            float `[batch, copies, dim]`, equal to what `call` computes for this
            position, and the new cache.
        """
        query, key, value = self._project_self(inputs)
        cache = {
            "key": ops.slice_update(cache["key"], (0, 0, 0, slot), key),
            "value": ops.slice_update(cache["value"], (0, 0, slot, 0), value),
        }
        mask = ops.expand_dims(lineage, 1)
        mixed, attention = attend(query, cache["key"], cache["value"], mask)
        context = None
        if self.word_context:
            context = word_context(attention, cached_similarity)
        x, _ = self._finish(inputs, mixed, memory, similarity, context)
        return x, cache

    def _finish(
        self,
        inputs,
        mixed,
        memory,
        similarity,
        context,
        memory_mask=None,
        training=False,
    ):
        """All that follows self-attention, and the weights of cross-attention."""
        attention = None
        x = self._add(inputs, self.self_output(mixed), self.self_norm, training)
        if self.cross_attention:
            mixed, attention = self._attend_memory(
                x, memory, similarity, context, memory_mask
            )
            x = self._add(x, mixed, self.cross_norm, training)
        hidden = self.feed_in(self._before(x, self.feed_norm))
        return self._add(x, self.feed_out(hidden), self.feed_norm, training), attention

    def _before(self, x, norm):
        """The input of a part."""
        return norm(x) if self.norm == "pre" else x

    def _add(self, x, output, norm, training):
        """Adds the output of a part to its input."""
        x = x + self.dropout(output, training=training)
        return norm(x) if self.norm == "post" else x

    def _project_self(self, inputs):
        """Queries, keys and values, as `attend` takes them."""
        qkv = self.self_qkv(self._before(inputs, self.self_norm))
        query, key, value = ops.split(qkv, 3, axis=-1)
        heads = self.num_heads
        return (
            split_heads(query, heads),
            key_columns(key, heads),
            split_heads(value, heads),
        )

    def project_memory(self, memory: tf.Tensor | None) -> dict[str, Any]:
        """Projects the memory to keys and values, once for all steps.

        Args:
            memory: float `[batch, memory_length, memory_dim]`.

        Returns:
            dict of `key`, `[batch, heads, head_dim, memory_length]`, and `value`,
            `[batch, heads, memory_length, head_dim]`.

        Raises:
            ValueError: if `memory` is `None`.
        """
        if memory is None:
            raise ValueError(
                "A block with `cross_attention=True` needs `memory`. Received: None."
            )
        key, value = ops.split(self.cross_key_value(memory), 2, axis=-1)
        heads = self.num_heads
        return {"key": key_columns(key, heads), "value": split_heads(value, heads)}

    def _attend_memory(self, x, memory, similarity, context, memory_mask):
        """Cross-attention: `[batch, length, dim]` and the weights.

        `context`, `[batch / texts, num_heads, texts * length, memory_length]`, is the
        similarity of the words that self-attention attends to. All texts about one
        memory are treated as a single text, so that its keys and values serve them
        in one product.
        """
        length = ops.shape(x)[1]
        query = self.cross_query(self._before(x, self.cross_norm))
        query = ops.reshape(query, (ops.shape(memory["value"])[0], -1, self.dim))
        mixed, attention = attend(
            split_heads(query, self.num_heads),
            memory["key"],
            memory["value"],
            bias=self._word_bias(similarity, context),
            key_mask=memory_mask,
        )
        mixed = ops.reshape(self.cross_output(mixed), (-1, length, self.dim))
        return mixed, attention

    def _word_bias(self, similarity, context) -> Callable | None:
        if not self.word_attention:
            return None
        if similarity is None:
            raise ValueError(_NO_SIMILARITY)
        bias = self.word_bias(ops.expand_dims(similarity, 1))
        if self.word_context:
            bias = bias + self.context_bias(context)
        return functools.partial(ops.add, bias)

    def compute_output_shape(
        self,
        inputs_shape: tuple[int | None, ...],
        memory_shape: tuple[int | None, ...] | None = None,
        similarity_shape: tuple[int | None, ...] | None = None,
    ) -> tuple[int | None, ...]:
        return inputs_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "dropout": self.dropout_rate,
            "causal": self.causal,
            "cross_attention": self.cross_attention,
            "grid": self.grid,
            "word_attention": self.word_attention,
            "word_context": self.word_context,
            "memory_grid": self.memory_grid,
            "norm": self.norm,
            "norm_epsilon": self.norm_epsilon,
            "activation": self.activation,
            "use_bias": self.use_bias,
        }


_NO_SIMILARITY = (
    "A block with `word_attention=True` needs `similarity` in addition to the memory."
)


def _causal_mask(length):
    steps = ops.arange(length)
    return ops.expand_dims(steps, 1) >= ops.expand_dims(steps, 0)
