from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.layers.attention_block import AttentionBlock

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class TextDecoder(keras.layers.Layer):
    """Transformer decoder that generates text about a memory, e.g. image regions.

    The output projection shares its weights with the token embedding. `call` computes
    all positions at once, for training. `start` and `step` compute one position at a
    time, for decoding, with the keys and values of earlier positions cached.

    Args:
        vocabulary_size: int.
        max_length: int, maximum number of tokens of a text.
        hidden_dim: int, dimension of the tokens and of the memory.
        num_layers: int, number of transformer blocks.
        num_heads: int, number of attention heads.
        intermediate_dim: int, width of the feed-forward networks.
        dropout: float, fraction of the activations to drop in training.
        word_attention: bool, whether cross-attention is biased towards the positions
            that the embedding of a word is similar to (`WordAttentionBias`).
        word_context: bool, whether it is also biased towards the positions that are
            similar to the earlier words it attends to (`AttentionBlock`). No effect
            without `word_attention`.
        memory_grid: `(rows, columns)` of the memory, row by row, for the directions of
            `word_attention`; `None` if the memory is no grid.
        word_presence: bool, whether the decoder has the weights of `word_presence`.

    Call arguments:
        token_ids: int `[batch, length]`, or `[batch, texts, length]` for several
            texts about each row of the memory; `length` at most `max_length`.
        memory: float `[batch, memory_length, hidden_dim]`.
        training: bool.
        return_attention: bool, whether to return the attention to the memory too.

    Output shape:
        float32 logits `[batch, (texts,) length, vocabulary_size]`; with
        `return_attention=True` also the weights of each layer, averaged over the
        heads: `[batch, num_layers, (texts *) length, memory_length]`.

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
        word_presence: bool = True,
        **kwargs: Any,
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
        self.has_word_presence = word_presence
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

    def build(
        self,
        token_ids_shape: tuple[int | None, ...],
        memory_shape: tuple[int | None, ...] | None = None,
    ) -> None:
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
        if self.has_word_presence:
            # Most words are absent from most images.
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

    def call(
        self,
        token_ids: tf.Tensor,
        memory: tf.Tensor,
        training: bool | None = None,
        return_attention: bool = False,
    ) -> tf.Tensor | tuple[tf.Tensor, tf.Tensor]:
        shape = ops.shape(token_ids)
        length = shape[-1]
        similarity = self._similarity(token_ids, memory)
        x = self._embed(ops.reshape(token_ids, (-1, length))) + ops.cast(
            self.position_embedding[:length], self.compute_dtype
        )
        x = self.dropout(x, training=training)
        attentions = []
        for block in self.blocks:
            x, attention = block(
                x,
                memory=memory,
                similarity=similarity,
                training=training,
                return_attention=True,
            )
            attentions.append(attention)
        logits = ops.reshape(self._logits(x), (*shape, self.vocabulary_size))
        if return_attention:
            return logits, ops.mean(ops.stack(attentions, axis=1), axis=2)
        return logits

    def word_presence(self, memory: tf.Tensor) -> tf.Tensor:
        """Predicts which words occur in texts about the memory, in any order.

        The score of a word is that of the region most similar to its embedding.
        Trained on the words of captions, it teaches the image encoder what they look
        like long before the decoder has learned where to attend, in the decoder's own
        embedding.

        Args:
            memory: float `[batch, memory_length, hidden_dim]`.

        Returns:
            float32 logits `[batch, vocabulary_size]`.

        Raises:
            ValueError: if the decoder was made with `word_presence=False`.

        Reference:
            - [Fang et al., 2015](https://arxiv.org/abs/1411.4952)
        """
        if not self.has_word_presence:
            raise ValueError(
                f"{self.name!r} has no weights for `word_presence`. Make it with "
                "`word_presence=True`."
            )
        memory = ops.cast(memory, self.compute_dtype)
        logits = ops.max(ops.matmul(memory, ops.transpose(self._table())), axis=1)
        return ops.cast(logits, "float32") + ops.cast(self.presence_bias, "float32")

    def start(
        self,
        memory: tf.Tensor,
        copies: int = 1,
        max_length: int | None = None,
        compiled: bool = False,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Prepares decoding.

        Args:
            memory: float `[batch, memory_length, hidden_dim]`.
            copies: int, number of texts decoded for each row of the memory (beams).
            max_length: int, maximum number of tokens that will be decoded, or `None`
                for the decoder's own.
            compiled: bool, whether XLA compiles the loop of `step`. The table of the
                output projection is then transposed once, here. XLA otherwise
                transposes it at every step of a single text, which takes as long as
                the rest of the step; without XLA, products read the table as it is.

        Returns:
            A tuple of `cache`, which changes at each step, and `memory_cache`, the
            memory and its keys and values, which do not. Each has under `layers` a
            list of a dict of `key` and `value` for each block, with
            `max_length * copies` slots in `cache`, all copies of a position side by
            side (`AttentionBlock.empty_cache`, `AttentionBlock.project_memory`).
        """
        batch, slots = ops.shape(memory)[0], copies * (max_length or self.max_length)
        cache = {"layers": [block.empty_cache(batch, slots) for block in self.blocks]}
        if self.word_context:
            shape = (batch, slots, ops.shape(memory)[1])
            cache["similarity"] = ops.zeros(shape, self.compute_dtype)
        projected = [block.project_memory(memory) for block in self.blocks]
        fixed = {"memory": memory, "layers": projected}
        if compiled:
            fixed["output_table"] = ops.transpose(self._table())
        return cache, fixed

    def step(
        self,
        token_ids: tf.Tensor,
        position: int | tf.Tensor,
        cache: dict[str, Any],
        memory_cache: dict[str, Any],
        lineage: tf.Tensor,
    ) -> tuple[tf.Tensor, dict[str, Any]]:
        """Computes the logits of the next tokens.

        The tokens of each copy stay in their own slots of the cache, and a copy attends
        to the slots that it descends from, so that beam search need not move keys and
        values.

        Args:
            token_ids: int `[batch, copies]`, the tokens at `position`.
            position: int scalar.
            cache: from `start` or the last `step`.
            memory_cache: from `start`.
            lineage: bool `[batch or 1, copies, max_length * copies]`, the slots of
                the cache that each copy descends from, those of `position` included.

        Returns:
            float32 logits `[batch, copies, vocabulary_size]`, and the new cache.
        """
        x = self._embed(token_ids)
        place = ops.take(self.position_embedding, position, axis=0)
        x = x + ops.cast(place, self.compute_dtype)
        similarity = self._similarity(token_ids, memory_cache["memory"])
        slot = position * token_ids.shape[1]
        new_cache = {"layers": []}
        if self.word_context:
            new_cache["similarity"] = ops.slice_update(
                cache["similarity"], (0, slot, 0), similarity
            )
        layers = zip(self.blocks, cache["layers"], memory_cache["layers"], strict=True)
        for block, old, memory in layers:
            x, new = block.step(
                x, slot, old, lineage, memory, similarity, new_cache.get("similarity")
            )
            new_cache["layers"].append(new)
        return self._logits(x, memory_cache.get("output_table")), new_cache

    def _similarity(self, token_ids, memory):
        """The dot product of words and memory, `[batch, words, memory_length]`."""
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

    def compute_output_shape(
        self,
        token_ids_shape: tuple[int | None, ...],
        memory_shape: tuple[int | None, ...] | None = None,
    ) -> tuple[int | None, ...]:
        return (*token_ids_shape, self.vocabulary_size)

    def get_config(self) -> dict[str, Any]:
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
            "word_presence": self.has_word_presence,
        }
