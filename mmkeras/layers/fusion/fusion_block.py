from __future__ import annotations

import keras
from keras import ops

from mmkeras.layers.fusion.blank_padding import blank_padding


class FusionBlock(keras.layers.Layer):
    """What all fusion blocks share: the checks, and what is missing.

    A block is a subclass with `build_parts` and `fuse`. It is given tokens that are 0
    wherever they do not count, so that nothing which padding or an absent modality
    holds can reach the output; its masks are always there. Where all modalities of a
    row are absent, the row becomes `prior`, a learned vector.

    Args:
        dim: int, dimension of the output.
        dropout: float, share of activations dropped in training.

    Call arguments:
        tokens: list of K >= 2 float tensors `[rows, n_k, d_k]`, one of a modality.
        masks: list of K bool tensors `[rows, n_k]`, True for the tokens that count,
            all False where a modality is absent; or `None`, for one of them or for
            all, where every token counts.
        training: bool.
        return_details: bool, whether to return a dict of intermediate results too.

    Output shape:
        `[rows, dim]`, and, if asked for, a dict of what the block has of these:
        `"tokens"`, a list of K float `[rows, n_k, dim]`, the tokens after fusion, 0
        at padding; `"attention"`, a list of K float32 `[rows, n_k]`, how much the
        block looked at each token, with a sum of 1 for a modality that is there and
        of 0 for one that is absent.

    Raises:
        ValueError: if `dim` is not a positive integer; or, on a call, if tokens or
            masks do not have these forms, or not as many rows.
    """

    # Whether `dim` is the number of outputs, and no head is to follow.
    returns_logits = False

    def __init__(self, dim: int, dropout: float = 0.1, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(dim, int) or dim < 1:
            raise ValueError(
                f"`dim` must be an integer of at least 1. Received: dim={dim!r}."
            )
        self.dim = dim
        self.dropout_rate = dropout

    def build(self, tokens_shape):
        self.token_dims = _token_dims(tokens_shape)
        self.dropout = keras.layers.Dropout(
            self.dropout_rate, name="dropout", dtype=self.dtype_policy
        )
        self.prior = self.add_weight(
            name="prior", shape=(self.dim,), initializer="zeros"
        )
        self.build_parts()

    def build_parts(self):
        """Makes and builds the layers inside, for tokens of `self.token_dims`."""
        raise NotImplementedError

    def fuse(self, tokens, masks, training):
        """The block itself.

        Args:
            tokens: list of K float `[rows, n_k, d_k]`, 0 where the mask is False.
            masks: list of K bool `[rows, n_k]`.
            training: bool.

        Returns:
            `[rows, dim]`, finite even if all modalities are absent, and the dict of
            details.
        """
        raise NotImplementedError

    def built_part(self, layer_class, name, shape, *args, **kwargs):
        """A layer inside, of the block's dtype policy, built for `shape`."""
        layer = layer_class(*args, name=name, dtype=self.dtype_policy, **kwargs)
        layer.build(shape)
        return layer

    def check_heads(self, num_heads: int):
        """Attention in several heads needs a `dim` that they can share out."""
        if self.dim % num_heads:
            raise ValueError(
                f"`num_heads` must divide `dim`, {self.dim}. Received: "
                f"num_heads={num_heads}."
            )

    def check_layers(self, num_layers: int):
        """A block that is to look at something looks at least once."""
        if not isinstance(num_layers, int) or num_layers < 1:
            raise ValueError(
                "`num_layers` must be an integer of at least 1. Received: "
                f"num_layers={num_layers!r}."
            )

    def built_norm(self, name):
        shape = (None, None, self.dim)
        return self.built_part(
            keras.layers.LayerNormalization, name, shape, epsilon=1e-5
        )

    def call(self, tokens, masks=None, training=None, return_details=False):
        masks = self._checked(tokens, masks)
        fused, details = self.fuse(blank_padding(tokens, masks), masks, training)
        something = ops.any(ops.concatenate(masks, axis=1), axis=1, keepdims=True)
        fused = ops.where(something, fused, ops.cast(self.prior, fused.dtype))
        return (fused, details) if return_details else fused

    def _checked(self, tokens, masks):
        """The masks, without `None`, once all have been found to be in order."""
        number = len(self.token_dims)
        if not isinstance(tokens, (list, tuple)) or len(tokens) != number:
            raise ValueError(
                f"{self.name!r} was built for a list of tokens of {number} modalities. "
                f"Received: {_described(tokens)}."
            )
        masks = [None] * number if masks is None else masks
        if not isinstance(masks, (list, tuple)) or len(masks) != number:
            raise ValueError(
                f"`masks` must be `None` or a list of {number}, one of each "
                f"modality. Received: {_described(masks)}."
            )
        for index, (x, dim, mask) in enumerate(
            zip(tokens, self.token_dims, masks, strict=True)
        ):
            _check_modality(index, x, dim, mask)
        _check_rows(tokens)
        return [
            ops.ones(ops.shape(x)[:2], "bool") if mask is None else mask
            for x, mask in zip(tokens, masks, strict=True)
        ]

    def compute_output_shape(self, tokens_shape):
        return (tokens_shape[0][0], self.dim)

    def compute_output_spec(
        self, tokens, masks=None, training=None, return_details=False
    ):
        # Details are of many shapes: what `call` does tells them.
        return keras.Operation.compute_output_spec(
            self,
            tokens,
            masks=masks,
            training=training,
            return_details=return_details,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "dim": self.dim,
            "dropout": self.dropout_rate,
        }


def _token_dims(shapes) -> list[int]:
    """The dimension of the tokens of each modality."""
    several = isinstance(shapes, (list, tuple)) and all(
        isinstance(shape, (list, tuple)) for shape in shapes
    )
    if not several or len(shapes) < 2:
        raise ValueError(
            "Fusion needs a list of tokens of at least two modalities, each `[rows, "
            f"length, dim]`. Received tokens of shape: {shapes}."
        )
    for index, shape in enumerate(shapes):
        if len(shape) != 3 or shape[-1] is None:
            raise ValueError(
                f"Tokens of modality {index} must be `[rows, length, dim]`, with a dim "
                f"that is known. Received tokens of shape: {tuple(shape)}."
            )
    return [shape[-1] for shape in shapes]


def _check_modality(index, tokens, dim, mask):
    shape = tuple(tokens.shape)
    if len(shape) != 3 or shape[-1] != dim:
        raise ValueError(
            f"Tokens of modality {index} must be `[rows, length, {dim}]`, as they "
            f"were when the block was built. Received tokens of shape: {shape}."
        )
    if mask is None:
        return
    if keras.backend.standardize_dtype(mask.dtype) != "bool":
        raise ValueError(
            f"The mask of modality {index} must be bool, True for the tokens that "
            f"count. Received: dtype={mask.dtype}."
        )
    fits = len(mask.shape) == 2 and all(
        one is None or other is None or one == other
        for one, other in zip(mask.shape, shape, strict=False)
    )
    if not fits:
        raise ValueError(
            f"The mask of modality {index} must be `[rows, length]` for tokens of "
            f"shape {shape}. Received a mask of shape: {tuple(mask.shape)}."
        )


def _check_rows(tokens):
    rows = [x.shape[0] for x in tokens]
    if len(set(rows) - {None}) > 1:
        raise ValueError(
            "The tokens of all modalities must have as many rows, one of each sample. "
            f"Received tokens of {' and '.join(map(str, rows))} rows."
        )


def _described(value) -> str:
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    return f"{type(value).__name__} of shape {getattr(value, 'shape', None)}"
