from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.arguments import whole_number

if TYPE_CHECKING:
    import tensorflow as tf


class FusionBlock(keras.layers.Layer):
    """Base class of fusion blocks, which combine the tokens of several modalities.

    Subclasses implement `build_parts` and `fuse`. This class checks the inputs and
    handles missing ones: `fuse` receives tokens that are 0 where they are masked, so
    that padding and absent modalities cannot influence the output, and a mask for each
    modality. The output of a row whose modalities are all absent is `prior`, a learned
    vector.

    Args:
        dim: int, dimension of the output.
        dropout: float, fraction of the activations to drop in training.

    Call arguments:
        tokens: list of K >= 2 float tensors `[rows, n_k, d_k]`, one for each modality.
        masks: list of K bool tensors `[rows, n_k]`, True for valid tokens, all False
            for an absent modality, or `None` for a modality whose tokens are all valid;
            or `None` if this holds for all modalities.
        training: bool.
        return_details: bool, whether to return a dict of intermediate results too.

    Output shape:
        `[rows, dim]`; with `return_details=True` also a dict with those of the
        following that the block has: `"tokens"`, a list of K float `[rows, n_k, dim]`,
        the tokens after fusion, 0 at padding; `"attention"`, a list of K float32
        `[rows, n_k]`, the attention weights within each modality, which sum to 1, or to
        0 if the modality is absent.

    Raises:
        ValueError: if `dim` is not a positive integer; on a call, if tokens or masks
            have other forms or different numbers of rows.
    """

    # Whether the output is logits, so that no head follows.
    returns_logits = False

    def __init__(self, dim: int, dropout: float = 0.1, **kwargs: Any):
        super().__init__(**kwargs)
        self.dim = whole_number("dim", dim, 1)
        self.dropout_rate = dropout

    def build(self, tokens_shape: list[tuple[int | None, ...]]) -> None:
        self.token_dims = _token_dims(tokens_shape)
        self.dropout = keras.layers.Dropout(
            self.dropout_rate, name="dropout", dtype=self.dtype_policy
        )
        self.prior = self.add_weight(
            name="prior", shape=(self.dim,), initializer="zeros"
        )
        self.build_parts()

    def build_parts(self) -> None:
        """Creates and builds the inner layers, for tokens of `self.token_dims`."""
        raise NotImplementedError

    def fuse(
        self, tokens: list[tf.Tensor], masks: list[tf.Tensor], training: bool | None
    ) -> tuple[tf.Tensor, dict[str, list[tf.Tensor]]]:
        """Fuses the modalities.

        Args:
            tokens: list of K float `[rows, n_k, d_k]`, 0 where the mask is False.
            masks: list of K bool `[rows, n_k]`.
            training: bool.

        Returns:
            `[rows, dim]`, finite even if all modalities are absent, and the details, a
            dict.
        """
        raise NotImplementedError

    def built_part(
        self,
        layer_class: type[keras.layers.Layer],
        name: str,
        shape: tuple[int | None, ...],
        *args: Any,
        **kwargs: Any,
    ) -> keras.layers.Layer:
        """Creates an inner layer with the block's dtype policy, built for `shape`."""
        layer = layer_class(*args, name=name, dtype=self.dtype_policy, **kwargs)
        layer.build(shape)
        return layer

    def check_heads(self, num_heads: int) -> None:
        """Checks that `dim` is a multiple of the number of attention heads."""
        if self.dim % whole_number("num_heads", num_heads, 1):
            raise ValueError(
                f"`num_heads` must divide `dim`, {self.dim}. Received: "
                f"num_heads={num_heads}."
            )

    def built_norm(self, name: str) -> keras.layers.LayerNormalization:
        """Creates a layer normalization of tokens."""
        shape = (None, None, self.dim)
        return self.built_part(
            keras.layers.LayerNormalization, name, shape, epsilon=1e-5
        )

    def call(
        self,
        tokens: list[tf.Tensor],
        masks: list[tf.Tensor | None] | None = None,
        training: bool | None = None,
        return_details: bool = False,
    ) -> tf.Tensor | tuple[tf.Tensor, dict[str, list[tf.Tensor]]]:
        masks = self._checked(tokens, masks)
        fused, details = self.fuse(zero_padding(tokens, masks), masks, training)
        present = ops.any(ops.concatenate(masks, axis=1), axis=1, keepdims=True)
        fused = ops.where(present, fused, ops.cast(self.prior, fused.dtype))
        return (fused, details) if return_details else fused

    def _checked(self, tokens, masks):
        """Checks tokens and masks, and replaces masks of `None`."""
        number = len(self.token_dims)
        if not isinstance(tokens, (list, tuple)) or len(tokens) != number:
            raise ValueError(
                f"{self.name!r} was built for a list of tokens of {number} modalities. "
                f"Received: {_described(tokens)}."
            )
        masks = [None] * number if masks is None else masks
        if not isinstance(masks, (list, tuple)) or len(masks) != number:
            raise ValueError(
                f"`masks` must be `None` or a list of {number}, one for each "
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

    def compute_output_shape(
        self, tokens_shape: list[tuple[int | None, ...]]
    ) -> tuple[int | None, ...]:
        return (tokens_shape[0][0], self.dim)

    def compute_output_spec(
        self,
        tokens: list[keras.KerasTensor],
        masks: list[keras.KerasTensor | None] | None = None,
        training: bool | None = None,
        return_details: bool = False,
    ) -> Any:
        # The shapes of the details follow from `call`.
        return keras.Operation.compute_output_spec(
            self,
            tokens,
            masks=masks,
            training=training,
            return_details=return_details,
        )

    def get_config(self) -> dict[str, Any]:
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
            "`tokens` must be a list of tokens of at least two modalities, each of "
            f"shape `[rows, length, dim]`. Received: tokens of shape {shapes}."
        )
    for index, shape in enumerate(shapes):
        if len(shape) != 3 or shape[-1] is None:
            raise ValueError(
                f"Tokens of modality {index} must be `[rows, length, dim]` with known "
                f"`dim`. Received: tokens of shape {tuple(shape)}."
            )
    return [shape[-1] for shape in shapes]


def _check_modality(index, tokens, dim, mask):
    shape = tuple(tokens.shape)
    if len(shape) != 3 or shape[-1] != dim:
        raise ValueError(
            f"Tokens of modality {index} must be `[rows, length, {dim}]`, the shape "
            f"that the block was built for. Received: tokens of shape {shape}."
        )
    if mask is None:
        return
    if keras.backend.standardize_dtype(mask.dtype) != "bool":
        raise ValueError(
            f"The mask of modality {index} must be bool, True for valid tokens. "
            f"Received: dtype={mask.dtype}."
        )
    fits = len(mask.shape) == 2 and all(
        one is None or other is None or one == other
        for one, other in zip(mask.shape, shape, strict=False)
    )
    if not fits:
        raise ValueError(
            f"The mask of modality {index} must be `[rows, length]` for tokens of "
            f"shape {shape}. Received: a mask of shape {tuple(mask.shape)}."
        )


def _check_rows(tokens):
    rows = [x.shape[0] for x in tokens]
    if len(set(rows) - {None}) > 1:
        raise ValueError(
            "The tokens of all modalities must have the same number of rows. Received: "
            f"tokens of {' and '.join(map(str, rows))} rows."
        )


def _described(value) -> str:
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    return f"{type(value).__name__} of shape {getattr(value, 'shape', None)}"


def zero_padding(tokens: list[tf.Tensor], masks: list[tf.Tensor]) -> list[tf.Tensor]:
    """Sets masked tokens to 0.

    Args:
        tokens: list of K float `[rows, n_k, dim]`.
        masks: list of K bool `[rows, n_k]`.

    Returns:
        list of K float `[rows, n_k, dim]`.
    """
    # Not a product, which would keep NaN and infinity.
    return [
        ops.where(ops.expand_dims(mask, -1), x, ops.zeros_like(x))
        for x, mask in zip(tokens, masks, strict=True)
    ]


def attention_by_modality(
    weights: tf.Tensor, masks: list[tf.Tensor]
) -> list[tf.Tensor]:
    """Normalizes attention over the tokens of all modalities within each of them.

    Args:
        weights: float32 `[rows, n_1 + ... + n_K]`, 0 where the mask is False.
        masks: list of K bool `[rows, n_k]`.

    Returns:
        list of K float32 `[rows, n_k]`, with a sum of 1 each, or of 0 if the modality
        is absent.
    """
    parts, start = [], 0
    for mask in masks:
        end = start + ops.shape(mask)[1]
        # The small number is for a modality without any attention.
        part = weights[:, start:end] + 1e-30 * ops.cast(mask, "float32")
        total = ops.sum(part, axis=1, keepdims=True)
        parts.append(part / ops.maximum(total, 1e-30))
        start = end
    return parts
