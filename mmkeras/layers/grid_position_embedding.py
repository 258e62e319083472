from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="mmkeras")
class GridPositionEmbedding(keras.layers.Layer):
    """Adds a learned embedding of row and of column to the tokens of a grid.

    Rows and columns are embedded apart, and begin as a ramp along a random
    direction each, so that "above" and "left of" are one direction in the
    embedding, whatever the other coordinate is.

    Args:
        height: int, rows of the grid.
        width: int, columns of the grid.

    Input shape:
        float `[batch, height * width, dim]`, row by row.

    Output shape:
        The same as the input's.

    Raises:
        ValueError: on building, if the number of tokens is not
            `height * width`.

    Example:
        ```python
        tokens = keras.random.normal((2, 36, 128))
        GridPositionEmbedding(6, 6)(tokens).shape   # (2, 36, 128)
        ```

    Reference:
        - [Carion et al., 2020](https://arxiv.org/abs/2005.12872), appendix
    """

    def __init__(self, height: int, width: int, **kwargs):
        super().__init__(**kwargs)
        self.height = height
        self.width = width

    def build(self, input_shape):
        if input_shape[1] != self.height * self.width:
            raise ValueError(
                f"Expected {self.height} × {self.width} = "
                f"{self.height * self.width} tokens. Received: "
                f"input_shape={tuple(input_shape)}."
            )
        dim = input_shape[-1]
        self.row_embedding = self.add_weight(
            name="row_embedding",
            shape=(self.height, 1, dim),
            initializer=_ramp,
        )
        self.column_embedding = self.add_weight(
            name="column_embedding",
            shape=(1, self.width, dim),
            initializer=_ramp,
        )

    def call(self, inputs):
        positions = ops.add(self.row_embedding, self.column_embedding)
        positions = ops.reshape(positions, (1, self.height * self.width, -1))
        return inputs + ops.cast(positions, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "height": self.height, "width": self.width}


def _ramp(shape, dtype=None):
    length = max(shape[:2])
    steps = ops.reshape(ops.linspace(-0.5, 0.5, length), (*shape[:2], 1))
    direction = keras.random.normal((1, 1, shape[2]))
    noise = keras.random.normal(shape, stddev=0.1)
    return ops.cast(steps * direction + noise, dtype or "float32")
