from __future__ import annotations

import functools
import random

import keras
from keras import ops

from mmkeras.layers.grid_attention_bias import GridAttentionBias
from mmkeras.layers.word_attention_bias import WordAttentionBias


@keras.saving.register_keras_serializable(package="mmkeras")
class AttentionBlock(keras.layers.Layer):
    """Pre-norm transformer block: self-attention, cross-attention, feed-forward.

    One block for encoders (`causal=False, cross_attention=False`) and decoders,
    with queries, keys and values of self-attention in one product, and with the
    pieces that decoding with a key-value cache needs.

    Args:
        num_heads: int, must divide the dimension of the input.
        intermediate_dim: int, width of the feed-forward part.
        dropout: float, share of activations dropped in training.
        causal: bool, whether a position sees only itself and what is before it.
        cross_attention: bool, whether the block attends to a second sequence.
        grid: `(rows, columns)` of which the sequence is made, row by row, for
            self-attention with a bias by relative position
            (`GridAttentionBias`); `None` for a sequence that is no grid.
        word_attention: bool, whether cross-attention also follows what the words
            were recognised in (`WordAttentionBias`).
        word_context: bool, whether it also follows, head by head, what those words
            were recognised in that self-attention looks back at, so that a word that
            shows nothing itself ("the", "的") can go by the words it belongs to.
        memory_grid: `(rows, columns)` of which the memory is made, for
            `word_attention`, or `None`.

    Call arguments:
        inputs: float `[batch, length, dim]`.
        memory: float `[batch / texts, memory_length, dim]`, with cross-attention
            only; rows of `inputs` that follow one another share a row of it.
        resemblance: float `[batch / texts, texts * length, memory_length]`, as
            `WordAttentionBias` takes it, with `word_attention=True` only.
        key_mask: bool `[batch, length]`, True for what self-attention may look at;
            `None` for everything. A row without any reads nothing.
        memory_mask: bool `[batch / texts, memory_length]`, the same for the memory.
        training: bool.
        return_attention: bool, whether to return the cross-attention too, or the
            self-attention of a block without.

    Output shape:
        `[batch, length, dim]`, and, if asked for, cross-attention
        `[batch / texts, num_heads, texts * length, memory_length]` or self-attention
        `[batch, num_heads, length, length]`.

    Raises:
        ValueError: if `word_attention` comes without `cross_attention` or is not
            given its `resemblance`, or, on building, if `num_heads` does not divide
            `dim`.

    Reference:
        - [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762)
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
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.dropout_rate = dropout
        self.causal = causal
        self.cross_attention = cross_attention
        self.grid = None if grid is None else tuple(grid)
        self.word_attention = word_attention
        self.word_context = word_context
        self.memory_grid = None if memory_grid is None else tuple(memory_grid)
        if word_attention and not cross_attention:
            raise ValueError(
                "`word_attention` is a part of cross-attention. Give "
                "`cross_attention=True` with it."
            )

    def build(self, inputs_shape, memory_shape=None, resemblance_shape=None):
        dim = inputs_shape[-1]
        if dim % self.num_heads:
            raise ValueError(
                f"`num_heads` must divide the dimension of the input, {dim}. "
                f"Received: num_heads={self.num_heads}."
            )
        self.dim = dim
        self.head_dim = dim // self.num_heads
        self.dropout = self._part("dropout", keras.layers.Dropout, self.dropout_rate)
        self.self_norm = self._norm("self_norm")
        self.self_qkv = self._dense("self_qkv", 3 * dim, dim)
        self.self_output = self._dense("self_output", dim, dim)
        self.grid_bias = self._grid_bias()
        if self.cross_attention:
            self.cross_norm = self._norm("cross_norm")
            aligned = _Aligned(dim)
            self.cross_query = self._dense(
                "cross_query", dim, dim, kernel_initializer=aligned.query
            )
            self.cross_key_value = self._dense(
                "cross_key_value", 2 * dim, dim, kernel_initializer=aligned.key_value
            )
            self.cross_output = self._dense("cross_output", dim, dim)
        if self.word_attention:
            # Scores are float32 whatever the policy is.
            self.word_bias = WordAttentionBias(
                self.num_heads, self.memory_grid, name="word_bias", dtype="float32"
            )
            batch, words, places = resemblance_shape
            self.word_bias.build((batch, 1, words, places))
        if self.word_attention and self.word_context:
            self.context_bias = WordAttentionBias(
                self.num_heads,
                self.memory_grid,
                first_head=1,
                name="context_bias",
                dtype="float32",
            )
            self.context_bias.build((batch, self.num_heads, words, places))
        self.feed_norm = self._norm("feed_norm")
        self.feed_in = self._dense(
            "feed_in", self.intermediate_dim, dim, activation="gelu"
        )
        self.feed_out = self._dense("feed_out", dim, self.intermediate_dim)

    def _grid_bias(self):
        if self.grid is None:
            return None
        # Scores are float32 whatever the policy is.
        bias = GridAttentionBias(*self.grid, name="grid_bias", dtype="float32")
        cells = self.grid[0] * self.grid[1]
        bias.build((None, self.num_heads, cells, cells))
        return bias

    def _part(self, name, make, *args, **kwargs):
        return make(*args, name=name, dtype=self.dtype_policy, **kwargs)

    def _norm(self, name):
        norm = self._part(name, keras.layers.LayerNormalization, epsilon=1e-5)
        norm.build((None, None, self.dim))
        return norm

    def _dense(self, name, units, input_dim, **kwargs):
        dense = self._part(name, keras.layers.Dense, units, **kwargs)
        dense.build((None, None, input_dim))
        return dense

    def call(
        self,
        inputs,
        memory=None,
        resemblance=None,
        key_mask=None,
        memory_mask=None,
        training=None,
        return_attention=False,
    ):
        query, key, value = self.project_self(inputs)
        mask = _causal_mask(ops.shape(inputs)[1]) if self.causal else None
        mixed, attention = self.attend(
            query, key, value, mask, self.grid_bias, key_mask
        )
        x = inputs + self.dropout(self.self_output(mixed), training=training)
        if self.cross_attention:
            key, value = self.project_memory(memory)
            recalled = self._recall(attention, resemblance)
            mixed, attention = self.attend_memory(
                x, key, value, resemblance, recalled, memory_mask
            )
            x = x + self.dropout(mixed, training=training)
        x = x + self.dropout(self.feed(x), training=training)
        return (x, attention) if return_attention else x

    def project_self(self, inputs):
        """Queries, keys and values, as `attend` takes them."""
        return self._split(self.self_qkv(self.self_norm(inputs)))

    def project_memory(self, memory):
        """Keys and values, as `attend` takes them."""
        key, value = ops.split(self.cross_key_value(memory), 2, axis=-1)
        return self._columns(key), self._split_heads(value)

    def _recall(self, read, resemblance):
        """What the words that each one looks back at were recognised in."""
        if not self.word_attention:
            return None
        if resemblance is None:
            raise ValueError(
                "A block with `word_attention=True` needs `resemblance` beside "
                "the memory."
            )
        if not self.word_context:
            return None
        length, places = ops.shape(read)[-1], ops.shape(resemblance)[-1]
        words = ops.reshape(resemblance, (-1, 1, length, places))
        recalled = ops.matmul(read, ops.cast(words, read.dtype))
        shape = (ops.shape(resemblance)[0], -1, self.num_heads, length, places)
        recalled = ops.transpose(ops.reshape(recalled, shape), (0, 2, 1, 3, 4))
        shape = (ops.shape(resemblance)[0], self.num_heads, -1, places)
        return ops.reshape(recalled, shape)

    def attend_memory(
        self, x, key, value, resemblance=None, recalled=None, memory_mask=None
    ):
        """Cross-attention of `x`: `[batch, length, dim]` and the weights.

        `recalled`, `[batch / texts, num_heads, texts * length, memory_length]`, is
        the resemblance of the words that self-attention looked back at. Texts about
        one memory are read as a single text, so that the keys and values of a picture
        serve all of its captions in one product.
        """
        length = ops.shape(x)[1]
        query = self.cross_query(self.cross_norm(x))
        query = ops.reshape(query, (ops.shape(value)[0], -1, self.dim))
        bias = None
        if self.word_attention:
            followed = self.word_bias(ops.expand_dims(resemblance, 1))
            if self.word_context:
                followed = followed + self.context_bias(recalled)
            bias = functools.partial(ops.add, followed)
        query = self._split_heads(query)
        mixed, attention = self.attend(
            query, key, value, bias=bias, key_mask=memory_mask
        )
        mixed = ops.reshape(self.cross_output(mixed), (-1, length, self.dim))
        return mixed, attention

    def attend(self, query, key, value, mask=None, bias=None, key_mask=None):
        """Scaled dot-product attention.

        Args:
            query: float `[batch, heads, length, head_dim]`.
            key: float `[batch, heads, head_dim, key_length]`: each a column, as the
                product with the queries reads them fastest.
            value: float `[batch, heads, key_length, head_dim]`.
            mask: bool, broadcast to `[batch, heads, length, key_length]`; `True`
                where attention is allowed.
            bias: a layer or function from float32 scores, shaped as the
                weights, to the same, or `None`.
            key_mask: bool `[batch, key_length]`, `True` for the keys that are there,
                or `None`. Where none is, the weights are 0.

        Returns:
            float `[batch, length, dim]`, and weights
            `[batch, heads, length, key_length]`.
        """
        scores = ops.matmul(query, key)
        scores = ops.cast(scores, "float32") * self.head_dim**-0.5
        if bias is not None:
            scores = bias(scores)
        if mask is not None:
            scores = ops.where(mask, scores, -1e9)
        if key_mask is not None:
            key_mask = ops.expand_dims(ops.expand_dims(key_mask, 1), 1)
            allowed = key_mask if mask is None else ops.logical_and(key_mask, mask)
            scores = ops.where(allowed, scores, -1e9)
        # One key is the whole memory of a written answer, and Keras warns of a softmax
        # over one. The difference keeps the gradients, which are 0.
        alone = scores.shape[-1] == 1
        weights = ops.exp(scores - scores) if alone else ops.softmax(scores, axis=-1)
        if key_mask is not None:
            weights = ops.where(allowed, weights, 0.0)
        mixed = ops.matmul(ops.cast(weights, value.dtype), value)
        mixed = ops.transpose(mixed, (0, 2, 1, 3))
        length = ops.shape(mixed)[1]
        return ops.reshape(mixed, (-1, length, self.dim)), weights

    def feed(self, x):
        """The feed-forward part, `[batch, length, dim]` to the same."""
        return self.feed_out(self.feed_in(self.feed_norm(x)))

    def _split(self, qkv):
        query, key, value = ops.split(qkv, 3, axis=-1)
        return self._split_heads(query), self._columns(key), self._split_heads(value)

    def _split_heads(self, x):
        return ops.transpose(self._heads(x), (0, 2, 1, 3))

    def _columns(self, x):
        return ops.transpose(self._heads(x), (0, 2, 3, 1))

    def _heads(self, x):
        shape = (-1, ops.shape(x)[1], self.num_heads, self.head_dim)
        return ops.reshape(x, shape)

    def compute_output_shape(
        self, inputs_shape, memory_shape=None, resemblance_shape=None
    ):
        return inputs_shape

    def get_config(self):
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
        }


class _Aligned:
    """Initial values that make queries and keys of like content alike.

    A text then attends from the first step to the regions that resemble it,
    which it otherwise takes thousands of steps to find out.
    """

    def __init__(self, dim: int):
        self.shape = (dim, dim)
        self.seed = random.randrange(2**30)

    def query(self, shape, dtype=None):
        return keras.initializers.GlorotUniform(self.seed)(self.shape, dtype)

    def key_value(self, shape, dtype=None):
        value = keras.initializers.GlorotUniform()(self.shape, dtype)
        return ops.concatenate([self.query(shape, dtype), value], axis=1)


def _causal_mask(length):
    steps = ops.arange(length)
    return ops.expand_dims(steps, 1) >= ops.expand_dims(steps, 0)
