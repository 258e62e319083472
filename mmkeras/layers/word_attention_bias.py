from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.layers.grid_attention_bias import GridAttentionBias
from mmkeras.layers.masked_softmax import masked_softmax

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class WordAttentionBias(keras.layers.Layer):
    """Biases cross-attention towards the positions that words are similar to.

    Once the embedding of a word is similar to the image regions that show it, the word
    can be located in the image. Initially, every second head attends to these regions.
    In a grid, each head also has a learned preference for regions by their position
    relative to the word's (initially one direction each: left, right, above, below),
    so that relations such as "left of" need not be learned by ordinary attention,
    which may take many times more examples.

    Args:
        num_heads: int, number of attention heads.
        grid: `(rows, columns)` of the memory, row by row; `None` for a memory that is
            no grid, which has no directions.
        first_head: int, 0 or 1, the first of every second head.

    Input shape:
        float `[batch, 1 or num_heads, length, memory_length]`, the similarity (dot
        product) of the embedding of each word to each position of the memory.

    Output shape:
        float32 `[batch, num_heads, length, memory_length]`, to be added to the scores
        of cross-attention.

    Raises:
        ValueError: on building, if `memory_length` does not match `grid`.

    Example:
        ```python
        similarity = keras.random.normal((2, 1, 20, 36))
        WordAttentionBias(4, grid=(6, 6))(similarity).shape   # (2, 4, 20, 36)
        ```

    Reference:
        - [Fang et al., 2015](https://arxiv.org/abs/1411.4952) (words detected in
          regions, learned from captions alone)
        - [Shaw et al., 2018](https://arxiv.org/abs/1803.02155) (relative positions)
    """

    def __init__(
        self,
        num_heads: int,
        grid: tuple[int, int] | None = None,
        first_head: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.first_head = first_head
        self.grid = None if grid is None else tuple(grid)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.strength = self.add_weight(
            name="strength_embedding",
            shape=(self.num_heads, 1, 1),
            initializer=_EverySecond(self.first_head),
            dtype="float32",
        )
        self.directions = None
        if self.grid is not None:
            positions = input_shape[-1]
            self.directions = GridAttentionBias(
                *self.grid, name="directions", dtype="float32"
            )
            self.directions.build((None, self.num_heads, positions, positions))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        similarity = ops.cast(inputs, "float32")
        bias = self.strength * similarity
        if self.directions is None:
            return bias
        location = masked_softmax(similarity)
        return bias + ops.matmul(location, self.directions.table())

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return (input_shape[0], self.num_heads, *input_shape[2:])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "grid": self.grid,
            "first_head": self.first_head,
        }


class _EverySecond(keras.initializers.Initializer):
    """1 for every second row from `first` on, 0 for the others."""

    def __init__(self, first: int):
        self.first = first

    def __call__(self, shape, dtype=None):
        chosen = ops.arange(shape[0]) % 2 == self.first
        chosen = ops.reshape(chosen, (-1, *[1] * (len(shape) - 1)))
        return ops.cast(ops.broadcast_to(chosen, shape), dtype or "float32")

    def get_config(self):
        return {"first": self.first}


def word_context(attention: tf.Tensor, similarity: tf.Tensor) -> tf.Tensor:
    """The similarity to the memory of the words that each word attends to.

    Args:
        attention: float `[rows, heads, words, keys]`, weights over earlier words.
        similarity: float `[rows, keys, memory_length]`, of these words.

    Returns:
        float `[rows, heads, words, memory_length]`, an input of `WordAttentionBias`.
    """
    similarity = ops.cast(ops.expand_dims(similarity, 1), attention.dtype)
    return ops.matmul(attention, similarity)


def word_context_of_texts(attention: tf.Tensor, similarity: tf.Tensor) -> tf.Tensor:
    """`word_context` for several texts about each row of the memory.

    Args:
        attention: float `[batch * texts, heads, length, length]`.
        similarity: float `[batch, texts * length, memory_length]`.

    Returns:
        float `[batch, heads, texts * length, memory_length]`.
    """
    batch, positions = ops.shape(similarity)[0], ops.shape(similarity)[-1]
    heads, length = attention.shape[1], ops.shape(attention)[-1]
    words = ops.reshape(similarity, (-1, length, positions))
    context = word_context(attention, words)
    context = ops.reshape(context, (batch, -1, heads, length, positions))
    context = ops.transpose(context, (0, 2, 1, 3, 4))
    return ops.reshape(context, (batch, heads, -1, positions))
