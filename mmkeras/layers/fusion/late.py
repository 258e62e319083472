from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from mmkeras.layers.fusion.fusion_block import FusionBlock
from mmkeras.layers.fusion.modality_head import ModalityHead

_METHODS = ("learned", "mean", "weighted")


@keras.saving.register_keras_serializable(package="mmkeras")
class LateFusion(FusionBlock):
    """Late fusion: each modality answers for itself, and the logits are averaged.

    With `p_k` the projected mean of a modality's tokens (`PooledProjection`), of
    `hidden_dim`:

    ```
    logits_k = W_k dropout(gelu(p_k)) + b_k
    fused = sum_k a_k logits_k,   a_k = w_k / sum of w_j over the modalities there
    ```

    with `w_k` = 1 (`"mean"`), those given (`"weighted"`), or a learned softmax
    (`"learned"`). An absent modality is left out, as if there were only the others.
    `dim` is the number of outputs: no head is to follow, and the objective
    `sum_k lambda_k loss(logits_k)` is made of the details.

    With tokens of `d_k`, `d` = `dim` and `m` = `hidden_dim`, it has
    `sum_k (d_k m + 4 m + (m + 1) d) + d` parameters, and K more if the weights are
    learned, and takes about `sum_k (n_k d_k + 2 d_k m + 2 m d)` FLOPs a row.

    Args:
        dim: int, number of outputs.
        method: `"learned"`, `"mean"` or `"weighted"`.
        weights: list of K positive floats, for `"weighted"` only.
        hidden_dim: int, width of the head of each modality.
        dropout: float, share of activations dropped in training.

    Call arguments, output shape:
        as `FusionBlock`. The details are `"logits"`, a list of K `[rows, dim]`, which
        are a learned constant where the modality is absent, and `"weights"`, float32
        `[rows, K]`, the `a_k`.

    Raises:
        ValueError: as `FusionBlock`; if `method` is another, or `weights` are missing,
            not positive, not asked for, or not as many as modalities.

    Example:
        >>> fusion = LateFusion(dim=10, method="weighted", weights=[2.0, 1.0])
        >>> logits = fusion([image_tokens, text_tokens], masks=[None, text_mask])

    Reference:
        - [Baltrusaitis et al., 2019](https://arxiv.org/abs/1705.09406), section 6.1
    """

    returns_logits = True

    def __init__(
        self,
        dim: int,
        method: str = "learned",
        weights: Sequence[float] | None = None,
        hidden_dim: int = 128,
        dropout: float = 0.1,
        **kwargs,
    ):
        super().__init__(dim, dropout, **kwargs)
        _check_method(method, weights)
        self.method = method
        self.given_weights = None if weights is None else [float(w) for w in weights]
        self.hidden_dim = hidden_dim

    def build_parts(self):
        number = len(self.token_dims)
        if self.method == "weighted" and len(self.given_weights) != number:
            raise ValueError(
                f"`weights` must be one of each of the {number} modalities. Received: "
                f"weights={self.given_weights}."
            )
        self.heads = [
            self.built_part(
                ModalityHead,
                f"head_{k}",
                (None, None, size),
                self.dim,
                self.hidden_dim,
                self.dropout_rate,
            )
            for k, size in enumerate(self.token_dims)
        ]
        if self.method == "learned":
            self.balance = self.add_weight(
                name="balance", shape=(number,), initializer="zeros"
            )

    def fuse(self, tokens, masks, training):
        logits = [
            head(x, mask, training=training)
            for head, x, mask in zip(self.heads, tokens, masks, strict=True)
        ]
        present = ops.stack([ops.any(mask, axis=1) for mask in masks], axis=1)
        shares = ops.cast(present, "float32") * self._weights()
        total = ops.sum(shares, axis=1, keepdims=True)
        shares = shares / ops.where(total > 0, total, 1.0)
        fused = sum(
            ops.cast(shares[:, k : k + 1], one.dtype) * one
            for k, one in enumerate(logits)
        )
        return fused, {"logits": logits, "weights": shares}

    def _weights(self):
        if self.method == "learned":
            return ops.softmax(ops.cast(self.balance, "float32"))
        return ops.array(self.given_weights or [1.0] * len(self.heads), "float32")

    def get_config(self):
        return {
            **super().get_config(),
            "method": self.method,
            "weights": self.given_weights,
            "hidden_dim": self.hidden_dim,
        }


def _check_method(method, weights):
    if method not in _METHODS:
        raise ValueError(
            f"`method` must be one of {', '.join(_METHODS)}. Received: {method!r}."
        )
    if (method == "weighted") != (weights is not None):
        raise ValueError(
            "`weights` and `method='weighted'` go together. Received: "
            f"method={method!r}, weights={weights}."
        )
    if weights is not None and not all(weight > 0 for weight in weights):
        raise ValueError(f"`weights` must be positive. Received: weights={weights}.")
