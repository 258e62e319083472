from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras
from keras import ops

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class AlignedGlorotUniform(keras.initializers.GlorotUniform):
    """Glorot uniform values for kernels of queries, keys and values that are aligned.

    A kernel `[dim, n * dim]` consists of `n` square blocks, the first of which depends
    on nothing but the seed. Two layers that share this initializer therefore map equal
    inputs to equal queries and keys at the start, so that attention prefers positions
    similar to the query, which otherwise takes thousands of steps to learn.

    Args:
        seed: int, or `None` for a random one.

    Example:
        ```python
        aligned = AlignedGlorotUniform(seed=0)
        query, key_value = aligned((64, 64)), aligned((64, 128))
        # query == key_value[:, :64]
        ```
    """

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> tf.Tensor:
        dim, width = shape
        blocks = [
            keras.initializers.GlorotUniform(self.seed + i)((dim, dim), dtype)
            for i in range(width // dim)
        ]
        return ops.concatenate(blocks, axis=1)
