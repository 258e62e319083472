from __future__ import annotations

import keras
from keras import ops


class TextEncoder(keras.layers.Layer):
    """Base of the layers that turn the tokens of texts into vectors.

    What stands at padding is not seen by the tokens. A text of padding alone is one
    that is absent. A frozen encoder drops nothing in training.

    To make a subclass, override `encode`.

    Args:
        dim: int, dimension of the output.
        pad_token_id: int, the token that stands for no text.

    Call arguments:
        token_ids: int `[rows, length]`.
        training: bool.

    Output shape:
        float `[rows, length, dim]`; 0 at padding.
    """

    def __init__(self, dim: int, pad_token_id: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.dim = dim
        self.pad_token_id = pad_token_id

    def encode(self, token_ids, mask, training=None):
        """float `[rows, length, dim]`; what stands at padding is not used.

        Args:
            token_ids: int `[rows, length]`.
            mask: bool `[rows, length]`, True where a token is no padding.
            training: bool.
        """
        raise NotImplementedError(f"{type(self).__name__} has no `encode`.")

    def mask(self, token_ids):
        """bool `[rows, length]`, True where a token is no padding."""
        return ops.not_equal(token_ids, self.pad_token_id)

    def call(self, token_ids, training=None):
        mask = self.mask(token_ids)
        x = self.encode(token_ids, mask, training and self.trainable)
        return ops.where(ops.expand_dims(mask, -1), x, ops.zeros_like(x))

    def sentence_embedding(self, token_ids):
        """The mean over the tokens, of length 1; 0 for an absent text.

        Args:
            token_ids: int `[rows, length]`.

        Returns:
            float32 `[rows, dim]`.
        """
        # Only the direction of a mean counts, and that is the sum's.
        total = ops.sum(ops.cast(self(token_ids, training=False), "float32"), axis=1)
        return ops.normalize(total, axis=-1)

    def _require_length(self, token_ids, max_length: int | None) -> None:
        """Refuses texts that the encoder has no positions for."""
        length = token_ids.shape[1]
        if max_length is not None and length is not None and length > max_length:
            raise ValueError(
                f"The texts are {length} tokens long, of which the encoder takes at "
                f"most {max_length}. Pack them to that length, or take an encoder "
                "with more positions."
            )

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.dim)
