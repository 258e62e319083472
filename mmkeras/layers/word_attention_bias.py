from __future__ import annotations

import keras
from keras import ops

from mmkeras.layers.grid_attention_bias import GridAttentionBias


@keras.saving.register_keras_serializable(package="mmkeras")
class WordAttentionBias(keras.layers.Layer):
    """Attention of words to what they were recognised in, and to its surroundings.

    Which place of a picture a word names is known as soon as words are recognised
    there: its embedding resembles the place. Every second head begins with
    looking there. Over a grid, each head also has a learned preference for places
    by where they lie from the word's (at the start one direction each: left, right,
    above, below), so that what is said of a word by its position among others,
    e.g. "left of", need not be found out by ordinary attention, which may take
    many times the examples.

    Args:
        num_heads: int.
        grid: `(rows, columns)` of which the memory is made, row by row; `None` for
            a memory that is no grid, which has no directions.
        first_head: int, 0 or 1, the first of every second head.

    Input shape:
        float resemblances `[batch, 1 or num_heads, length, memory_length]`: the
        product of each word's embedding with each place of the memory.

    Output shape:
        float32 `[batch, num_heads, length, memory_length]`, to add to the scores of
        cross-attention.

    Raises:
        ValueError: on building, if the memory is not such a grid.

    Example:
        ```python
        resemblance = keras.random.normal((2, 1, 20, 36))
        WordAttentionBias(4, grid=(6, 6))(resemblance).shape   # (2, 4, 20, 36)
        ```

    Reference:
        - [Fang et al., 2015](https://arxiv.org/abs/1411.4952) (words found in
          regions by captions alone)
        - [Shaw et al., 2018](https://arxiv.org/abs/1803.02155) (relative positions)
    """

    def __init__(
        self,
        num_heads: int,
        grid: tuple[int, int] | None = None,
        first_head: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.first_head = first_head
        self.grid = None if grid is None else tuple(grid)

    def build(self, input_shape):
        self.strength = self.add_weight(
            name="strength_embedding",
            shape=(self.num_heads, 1, 1),
            initializer=self._every_second,
            dtype="float32",
        )
        self.directions = None
        if self.grid is not None:
            places = input_shape[-1]
            self.directions = GridAttentionBias(
                *self.grid, name="directions", dtype="float32"
            )
            self.directions.build((None, self.num_heads, places, places))

    def call(self, inputs):
        resemblance = ops.cast(inputs, "float32")
        bias = self.strength * resemblance
        if self.directions is None:
            return bias
        seen = ops.softmax(resemblance, axis=-1)
        return bias + ops.matmul(seen, self.directions.between())

    def _every_second(self, shape, dtype=None):
        heads = ops.arange(shape[0]) % 2 == self.first_head
        return ops.reshape(ops.cast(heads, dtype or "float32"), shape)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.num_heads, *input_shape[2:])

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "grid": self.grid,
            "first_head": self.first_head,
        }
