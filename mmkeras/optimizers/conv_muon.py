from __future__ import annotations

import re

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="mmkeras")
class ConvMuon(keras.optimizers.Muon):
    """Muon for the kernels of 2-D convolutions too.

    `keras.optimizers.Muon` updates matrices only and leaves convolutions to AdamW. A
    convolution is a matrix as well, from the values under its window to its output
    channels, and is updated here as that matrix, `[rows * columns * input channels,
    output channels]`. Depthwise kernels, which mix no channels, stay with AdamW, as do
    embeddings and whatever has no or one dimension.

    Args:
        *args: as `keras.optimizers.Muon` takes them.
        **kwargs: as `keras.optimizers.Muon` takes them.

    Example:
        ```python
        model.compile(ConvMuon(3e-3), "sparse_categorical_crossentropy")
        ```

    Reference:
        - [Jordan et al., 2024](https://kellerjordan.github.io/posts/muon/)
        - [Liu et al., 2025](https://arxiv.org/abs/2502.16982)
    """

    def _should_use_adamw(self, variable):
        if len(variable.shape) != 4:
            return super()._should_use_adamw(variable)
        # Keras keeps a depthwise kernel as [rows, columns, channels, multiplier].
        if variable.shape[-1] == 1 or "depthwise" in variable.path:
            return True
        if self.exclude_embeddings and "embedding" in variable.path.lower():
            return True
        return any(re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def zeropower_via_newtonschulz5(self, x, steps: int):
        """The nearest orthogonal matrix, roughly, in the shape of `x`."""
        matrix = super().zeropower_via_newtonschulz5(_as_matrix(x), steps)
        return ops.reshape(matrix, x.shape)

    def lr_adjust(self, x):
        """Scales an update to the size that AdamW's would have."""
        return ops.reshape(super().lr_adjust(_as_matrix(x)), x.shape)


def _as_matrix(x):
    return ops.reshape(x, (-1, x.shape[-1]))
