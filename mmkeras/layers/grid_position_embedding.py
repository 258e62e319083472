from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class GridPositionEmbedding(keras.layers.Layer):
    """Adds a learned embedding of the row and of the column to the tokens of a grid.

    Rows and columns have separate embeddings. Each is initially a ramp along a random
    direction, so that "above" and "left of" correspond to one direction of the
    embedding, whatever the other coordinate is.

    Args:
        height: int, rows of the grid.
        width: int, columns of the grid.

    Input shape:
        float `[batch, height * width, dim]`, row by row.

    Output shape:
        Same as the input.

    Raises:
        ValueError: on building, if the number of tokens is not `height * width`.

    Example:
        ```python
        tokens = keras.random.normal((2, 36, 128))
        GridPositionEmbedding(6, 6)(tokens).shape   # (2, 36, 128)
        ```

    Reference:
        - [Carion et al., 2020](https://arxiv.org/abs/2005.12872), appendix
    """

    def __init__(self, height: int, width: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.height = height
        self.width = width

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if input_shape[1] != self.height * self.width:
            raise ValueError(
                f"Expected {self.height} × {self.width} = "
                f"{self.height * self.width} tokens. Received: "
                f"input_shape={tuple(input_shape)}."
            )
        dim = input_shape[-1]
        self.row_embedding = self.add_weight(
            name="row_embedding", shape=(self.height, 1, dim), initializer=_Ramp()
        )
        self.column_embedding = self.add_weight(
            name="column_embedding", shape=(1, self.width, dim), initializer=_Ramp()
        )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        positions = ops.add(self.row_embedding, self.column_embedding)
        positions = ops.reshape(positions, (1, self.height * self.width, -1))
        return inputs + ops.cast(positions, inputs.dtype)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width}


class _Ramp(keras.initializers.RandomNormal):
    """A ramp along a random direction, with noise, for `[rows, columns, dim]`."""

    def __init__(self, seed: int | None = None):
        super().__init__(stddev=0.1, seed=seed)

    def __call__(self, shape, dtype=None):
        length = max(shape[:2])
        steps = ops.reshape(ops.linspace(-0.5, 0.5, length), (*shape[:2], 1))
        # Another seed than that of the noise.
        direction = keras.random.normal((1, 1, shape[2]), seed=self.seed + 1)
        noise = super().__call__(shape)
        return ops.cast(steps * direction + noise, dtype or "float32")

    def get_config(self):
        return {"seed": super().get_config()["seed"]}
