from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class GridAttentionBias(keras.layers.Layer):
    """Adds a learned bias by relative position in a grid to attention scores.

    "Left of" is then the same relation everywhere in an image and need not be learned
    for each pair of positions. Initially, each head prefers one direction: left, right,
    above and below in turn.

    Args:
        height: int, rows of the grid.
        width: int, columns of the grid.

    Input shape:
        float `[batch, num_heads, height * width, height * width]`, the scores of each
        query and key, row by row.

    Output shape:
        Same as the input.

    Raises:
        ValueError: on building, if the shape of the scores does not match the grid.

    Example:
        ```python
        scores = keras.random.normal((2, 4, 36, 36))
        GridAttentionBias(6, 6)(scores).shape   # (2, 4, 36, 36)
        ```

    Reference:
        - [Shaw et al., 2018](https://arxiv.org/abs/1803.02155)
        - [Liu et al., 2021](https://arxiv.org/abs/2103.14030)
    """

    def __init__(self, height: int, width: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.height = height
        self.width = width

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        cells = self.height * self.width
        if tuple(input_shape[-2:]) != (cells, cells):
            raise ValueError(
                f"Expected scores between {self.height} × {self.width} = {cells} "
                f"positions. Received: input_shape={tuple(input_shape)}."
            )
        # Optimizers recognize a table of rows, which must not be updated as a matrix,
        # by "embedding" in its name.
        self.embedding = self.add_weight(
            name="relative_position_embedding",
            shape=(input_shape[1], (2 * self.height - 1) * (2 * self.width - 1)),
            initializer=_Directions(self.height, self.width),
        )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return inputs + ops.cast(self.table(), inputs.dtype)

    def table(self) -> tf.Tensor:
        """The bias alone, `[1, num_heads, height * width, height * width]`."""
        cells = self.height * self.width
        bias = ops.take(self.embedding, self._offsets(), axis=1)
        return ops.reshape(bias, (1, -1, cells, cells))

    def _offsets(self) -> np.ndarray:
        """The column of the embedding for each query and key."""
        rows, columns = np.divmod(np.arange(self.height * self.width), self.width)
        down = rows[None, :] - rows[:, None] + self.height - 1
        right = columns[None, :] - columns[:, None] + self.width - 1
        return (down * (2 * self.width - 1) + right).reshape(-1).astype("int32")

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width}


class _Directions(keras.initializers.Initializer):
    """A preference of each head for one direction: left, right, above, below."""

    def __init__(self, height: int, width: int):
        self.height = height
        self.width = width

    def __call__(self, shape, dtype=None):
        down, right = np.meshgrid(
            np.arange(1 - self.height, self.height) / self.height,
            np.arange(1 - self.width, self.width) / self.width,
            indexing="ij",
        )
        ramps = [-right, right, -down, down]
        # Attention is then e³ times as strong at one end of the grid as at its
        # middle: a clear preference that gradients can still undo.
        rows = [3.0 * ramps[head % 4].reshape(-1) for head in range(shape[0])]
        return ops.convert_to_tensor(np.stack(rows), dtype)

    def get_config(self):
        return {"height": self.height, "width": self.width}
