from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

if TYPE_CHECKING:
    import tensorflow as tf


class TextEncoder(keras.layers.Layer):
    """Base class of layers that encode the tokens of texts as vectors.

    Padding has no influence on the other tokens. A text of padding only is an absent
    text. A frozen encoder applies no dropout in training.

    Subclasses override `encode`.

    Args:
        dim: int, dimension of the output.
        pad_token_id: int, the padding token.

    Call arguments:
        token_ids: int `[rows, length]`.
        training: bool.

    Output shape:
        float `[rows, length, dim]`; 0 at padding.
    """

    def __init__(self, dim: int, pad_token_id: int = 0, **kwargs: Any):
        super().__init__(**kwargs)
        self.dim = dim
        self.pad_token_id = pad_token_id

    def encode(
        self, token_ids: tf.Tensor, mask: tf.Tensor, training: bool | None = None
    ) -> tf.Tensor:
        """Encodes token ids.

        Args:
            token_ids: int `[rows, length]`.
            mask: bool `[rows, length]`, True for tokens that are not padding.
            training: bool.

        Returns:
            float `[rows, length, dim]`; the vectors of padding are not used.
        """
        raise NotImplementedError(f"{type(self).__name__} has no `encode`.")

    def mask(self, token_ids: tf.Tensor) -> tf.Tensor:
        """bool `[rows, length]`, True for tokens that are not padding."""
        return ops.not_equal(token_ids, self.pad_token_id)

    def call(self, token_ids: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        mask = self.mask(token_ids)
        x = self.encode(token_ids, mask, training and self.trainable)
        return ops.where(ops.expand_dims(mask, -1), x, ops.zeros_like(x))

    def sentence_embedding(self, token_ids: tf.Tensor) -> tf.Tensor:
        """The mean of the token vectors, normalized to length 1; 0 for an absent text.

        Args:
            token_ids: int `[rows, length]`.

        Returns:
            float32 `[rows, dim]`.
        """
        # The sum has the direction of the mean, and the length is normalized.
        total = ops.sum(ops.cast(self(token_ids, training=False), "float32"), axis=1)
        return ops.normalize(total, axis=-1)

    def _require_length(self, token_ids, max_length: int | None) -> None:
        """Raises an error for texts longer than the encoder supports."""
        length = token_ids.shape[1]
        if max_length is not None and length is not None and length > max_length:
            raise ValueError(
                f"The texts are {length} tokens long, but the encoder supports at most "
                f"{max_length}. Truncate them to that length, or use an encoder with "
                "more positions."
            )

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return (*input_shape, self.dim)
