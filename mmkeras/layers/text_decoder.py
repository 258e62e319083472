from __future__ import annotations

import keras
from keras import ops

from mmkeras.layers.attention_block import AttentionBlock


@keras.saving.register_keras_serializable(package="mmkeras")
class TextDecoder(keras.layers.Layer):
    """Transformer decoder that writes text about a memory, e.g. image regions.

    The output projection shares the weights of the token embedding. `call` is
    for training: all positions at once. `start` and `step` are for decoding: one
    position at a time, with the keys and values of earlier positions cached.

    Args:
        vocabulary_size: int.
        max_length: int, the most tokens that a text can have.
        hidden_dim: int, dimension of the tokens and of the memory.
        num_layers: int.
        num_heads: int.
        intermediate_dim: int.
        dropout: float.
        word_attention: bool, whether a token also attends to what it was
            recognised in and to its surroundings (`WordAttentionBias`, with the
            scores of `word_presence` before they are pooled).
        word_context: bool, whether it then also attends to what the words that it
            looks back at were recognised in (`AttentionBlock`).
        memory_grid: `(rows, columns)` of which the memory is made, row by row,
            for the directions of `word_attention`; `None` for no grid.

    Call arguments:
        token_ids: int `[batch, length]`, or `[batch, texts, length]` for several
            texts about each memory; `length` at most `max_length`.
        memory: float `[batch, memory_length, hidden_dim]`.
        training: bool.
        return_attention: bool, whether to return the attention over the memory.

    Output shape:
        float32 logits `[batch, (texts,) length, vocabulary_size]`; with
        `return_attention=True` also weights, averaged over the heads, of each
        layer: `[batch, num_layers, (texts *) length, memory_length]`.

    Example:
        ```python
        decoder = TextDecoder(vocabulary_size=100, max_length=16, hidden_dim=64)
        memory = keras.random.normal((2, 36, 64))
        logits = decoder(np.ones((2, 16), "int32"), memory)   # [2, 16, 100]
        ```

    Reference:
        - [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762)
        - [Press and Wolf, 2017](https://arxiv.org/abs/1608.05859) (tied weights)
    """

    def __init__(
        self,
        vocabulary_size: int,
        max_length: int,
        hidden_dim: int = 256,
        num_layers: int = 2,
        num_heads: int = 4,
        intermediate_dim: int = 512,
        dropout: float = 0.1,
        word_attention: bool = True,
        word_context: bool = True,
        memory_grid: tuple[int, int] | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.max_length = max_length
        self.hidden_dim = hidden_dim
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.dropout_rate = dropout
        self.word_attention = word_attention
        self.word_context = word_attention and word_context
        self.memory_grid = None if memory_grid is None else tuple(memory_grid)
        policy = self.dtype_policy
        self.dropout = keras.layers.Dropout(dropout, name="dropout", dtype=policy)
        self.blocks = [
            AttentionBlock(
                num_heads,
                intermediate_dim,
                dropout,
                causal=True,
                cross_attention=True,
                word_attention=word_attention,
                word_context=self.word_context,
                memory_grid=memory_grid,
                name=f"block_{i}",
                dtype=policy,
            )
            for i in range(num_layers)
        ]
        self.norm = keras.layers.LayerNormalization(
            epsilon=1e-5, name="norm", dtype=policy
        )

    def build(self, token_ids_shape, memory_shape=None):
        initializer = keras.initializers.RandomNormal(stddev=0.05)
        self.token_embedding = self.add_weight(
            name="token_embedding",
            shape=(self.vocabulary_size, self.hidden_dim),
            initializer=initializer,
        )
        self.position_embedding = self.add_weight(
            name="position_embedding",
            shape=(self.max_length, self.hidden_dim),
            initializer=initializer,
        )
        self.output_bias = self.add_weight(
            name="output_bias", shape=(self.vocabulary_size,), initializer="zeros"
        )
        # Most words are absent from most pictures.
        self.presence_bias = self.add_weight(
            name="presence_bias",
            shape=(self.vocabulary_size,),
            initializer=keras.initializers.Constant(-4.0),
        )
        hidden = (None, None, self.hidden_dim)
        memory_length = None if memory_shape is None else memory_shape[1]
        if memory_length is None and self.memory_grid is not None:
            memory_length = self.memory_grid[0] * self.memory_grid[1]
        for block in self.blocks:
            block.build(hidden, hidden, (None, None, memory_length))
        self.norm.build(hidden)

    def call(self, token_ids, memory, training=None, return_attention=False):
        shape = ops.shape(token_ids)
        length = shape[-1]
        resemblance = self._resemblance(token_ids, memory)
        x = self._embed(ops.reshape(token_ids, (-1, length))) + ops.cast(
            self.position_embedding[:length], self.compute_dtype
        )
        x = self.dropout(x, training=training)
        attentions = []
        for block in self.blocks:
            x, attention = block(
                x,
                memory=memory,
                resemblance=resemblance,
                training=training,
                return_attention=True,
            )
            attentions.append(attention)
        logits = ops.reshape(self._logits(x), (*shape, self.vocabulary_size))
        if return_attention:
            return logits, ops.mean(ops.stack(attentions, axis=1), axis=2)
        return logits

    def word_presence(self, memory):
        """Which words the memory calls for, in any order.

        A word is as present as in the region that is most like its embedding.
        Training on the words of a caption teaches the image encoder what they
        look like long before the decoder has learned where to look, and in the
        decoder's own terms.

        Args:
            memory: float `[batch, memory_length, hidden_dim]`.

        Returns:
            float32 logits `[batch, vocabulary_size]`.

        Reference:
            - [Fang et al., 2015](https://arxiv.org/abs/1411.4952)
        """
        memory = ops.cast(memory, self.compute_dtype)
        logits = ops.max(ops.matmul(memory, ops.transpose(self._table())), axis=1)
        return ops.cast(logits, "float32") + ops.cast(self.presence_bias, "float32")

    def start(
        self,
        memory,
        copies: int = 1,
        max_length: int | None = None,
        compiled: bool = False,
    ):
        """What decoding begins with.

        Args:
            memory: float `[batch, memory_length, hidden_dim]`.
            copies: int, texts written for each row of the memory (beams).
            max_length: int, the most tokens that will be written, or `None` for
                the decoder's own.
            compiled: bool, whether XLA compiles the loop of `step`. The table of the
                output projection is then transposed once, here. XLA otherwise does it
                at every step of a single text, which takes as long as all else in the
                step; where nothing is compiled, products read the table as it is.

        Returns:
            A tuple of `cache`, what is kept of the tokens so far, and
            `memory_cache`, the `memory` and its keys and values, which never
            change. Under `layers` each has a list with a dict of `key` and `value`
            for each layer: values `[batch, heads, max_length * copies, head_dim]`, all
            copies of a position side by side, or
            `[batch, heads, memory_length, head_dim]`, and keys with the last two
            axes the other way round (`AttentionBlock.attend`).
        """
        slots = copies * (max_length or self.max_length)
        cache, layers = [], []
        for block in self.blocks:
            heads = (ops.shape(memory)[0], self.num_heads)
            keys = ops.zeros((*heads, block.head_dim, slots), self.compute_dtype)
            values = ops.zeros((*heads, slots, block.head_dim), self.compute_dtype)
            cache.append({"key": keys, "value": values})
            key, value = block.project_memory(memory)
            layers.append({"key": key, "value": value})
        cache = {"layers": cache}
        if self.word_context:
            shape = (ops.shape(memory)[0], slots, ops.shape(memory)[1])
            cache["resemblance"] = ops.zeros(shape, self.compute_dtype)
        fixed = {"memory": memory, "layers": layers}
        if compiled:
            fixed["output_table"] = ops.transpose(self._table())
        return cache, fixed

    def step(self, token_ids, position, cache, memory_cache, lineage):
        """Logits for the next tokens.

        What each copy wrote stays in its own slot, and a copy sees those that it
        descends from: beam search then has no need to move keys and values about.

        Args:
            token_ids: int `[batch, copies]`, the tokens at `position`.
            position: int scalar.
            cache: from `start` or the last `step`.
            memory_cache: from `start`.
            lineage: bool `[batch or 1, copies, max_length * copies]`, the slots of
                the cache that each copy descends from, that of `position` included.

        Returns:
            float32 logits `[batch, copies, vocabulary_size]`, and the new cache.
        """
        x = self._embed(token_ids)
        place = ops.take(self.position_embedding, position, axis=0)
        x = x + ops.cast(place, self.compute_dtype)
        seen = ops.expand_dims(lineage, 1)
        resemblance = self._resemblance(token_ids, memory_cache["memory"])
        first = position * token_ids.shape[1]
        new_cache = {"layers": []}
        if self.word_context:
            new_cache["resemblance"] = ops.slice_update(
                cache["resemblance"], (0, first, 0), resemblance
            )
        layers = zip(self.blocks, cache["layers"], memory_cache["layers"], strict=True)
        for block, old, fixed in layers:
            query, key, value = block.project_self(x)
            keys = ops.slice_update(old["key"], (0, 0, 0, first), key)
            values = ops.slice_update(old["value"], (0, 0, first, 0), value)
            mixed, read = block.attend(query, keys, values, seen)
            x = x + block.self_output(mixed)
            recalled = None
            if self.word_context:
                words = ops.expand_dims(new_cache["resemblance"], 1)
                recalled = ops.matmul(read, ops.cast(words, read.dtype))
            mixed, _ = block.attend_memory(
                x, fixed["key"], fixed["value"], resemblance, recalled
            )
            x = x + mixed
            x = x + block.feed(x)
            new_cache["layers"].append({"key": keys, "value": values})
        return self._logits(x, memory_cache.get("output_table")), new_cache

    def _resemblance(self, token_ids, memory):
        """How much each word is like each place, `[batch, words, memory_length]`."""
        if not self.word_attention:
            return None
        words = ops.take(self._table(), token_ids, axis=0)
        words = ops.reshape(words, (ops.shape(memory)[0], -1, self.hidden_dim))
        memory = ops.cast(memory, self.compute_dtype)
        return ops.matmul(words, ops.transpose(memory, (0, 2, 1)))

    def _table(self):
        return ops.cast(self.token_embedding, self.compute_dtype)

    def _embed(self, token_ids):
        return ops.take(self._table(), token_ids, axis=0) * self.hidden_dim**0.5

    def _logits(self, x, table=None):
        table = ops.transpose(self._table()) if table is None else table
        logits = ops.matmul(self.norm(x), table)
        return ops.cast(logits, "float32") + ops.cast(self.output_bias, "float32")

    def compute_output_shape(self, token_ids_shape, memory_shape=None):
        return (*token_ids_shape, self.vocabulary_size)

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "max_length": self.max_length,
            "hidden_dim": self.hidden_dim,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "dropout": self.dropout_rate,
            "word_attention": self.word_attention,
            "word_context": self.word_context,
            "memory_grid": self.memory_grid,
        }
