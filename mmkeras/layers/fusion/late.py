from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.arguments import check_choice
from mmkeras.layers.fusion.fusion_block import FusionBlock
from mmkeras.layers.fusion.modality_head import ModalityHead

if TYPE_CHECKING:
    import tensorflow as tf

_METHODS = ("learned", "mean", "weighted")


@keras.saving.register_keras_serializable(package="mmkeras")
class LateFusion(FusionBlock):
    """Late fusion: the mean of the logits computed from each modality alone.

    With `p_k` the projected mean of the tokens of a modality (`PooledProjection`), of
    dimension `hidden_dim`:

    ```
    logits_k = W_k dropout(gelu(p_k)) + b_k
    fused = sum_k a_k logits_k,   a_k = w_k / sum of w_j over present modalities
    ```

    with `w_k` = 1 (`"mean"`), the given ones (`"weighted"`), or a learned softmax
    (`"learned"`). Absent modalities are excluded. `dim` is the number of outputs: no
    head follows, and the details contain the logits for the objective
    `sum_k lambda_k loss(logits_k)`.

    With tokens of `d_k`, `d` = `dim` and `m` = `hidden_dim`, it has
    `sum_k (d_k m + 4 m + (m + 1) d) + d` parameters, and K more if the weights are
    learned, and needs about `sum_k (n_k d_k + 2 d_k m + 2 m d)` FLOPs per row.

    Args:
        dim: int, number of outputs.
        method: `"learned"`, `"mean"` or `"weighted"`.
        weights: list of K positive floats, for `"weighted"` only.
        hidden_dim: int, width of the MLP of each modality.
        dropout: float, fraction of the activations to drop in training.

    Call arguments, output shape:
        Same as `FusionBlock`. The details are `"logits"`, a list of K `[rows, dim]`,
        which are a learned constant if the modality is absent, and `"weights"`, float32
        `[rows, K]`, the `a_k`.

    Raises:
        ValueError: as `FusionBlock`, and if `method` is unknown, `weights` are not
            positive, or their number is not that of the modalities, or they are given
            or missing for the wrong `method`.

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
        **kwargs: Any,
    ):
        super().__init__(dim, dropout, **kwargs)
        _check_method(method, weights)
        self.method = method
        self.given_weights = None if weights is None else [float(w) for w in weights]
        self.hidden_dim = hidden_dim

    def build_parts(self) -> None:
        number = len(self.token_dims)
        if self.method == "weighted" and len(self.given_weights) != number:
            raise ValueError(
                f"`weights` must be a list of {number}, one for each modality. "
                f"Received: weights={self.given_weights}."
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

    def fuse(
        self, tokens: list[tf.Tensor], masks: list[tf.Tensor], training: bool | None
    ) -> tuple[tf.Tensor, dict[str, list[tf.Tensor]]]:
        logits = [
            head(x, mask, training=training)
            for head, x, mask in zip(self.heads, tokens, masks, strict=True)
        ]
        present = ops.stack([ops.any(mask, axis=1) for mask in masks], axis=1)
        weights = ops.cast(present, "float32") * self._weights()
        total = ops.sum(weights, axis=1, keepdims=True)
        weights = weights / ops.where(total > 0, total, 1.0)
        fused = sum(
            ops.cast(weights[:, k : k + 1], x.dtype) * x for k, x in enumerate(logits)
        )
        return fused, {"logits": logits, "weights": weights}

    def _weights(self):
        if self.method == "learned":
            return ops.softmax(ops.cast(self.balance, "float32"))
        return ops.array(self.given_weights or [1.0] * len(self.heads), "float32")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "method": self.method,
            "weights": self.given_weights,
            "hidden_dim": self.hidden_dim,
        }


def _check_method(method, weights):
    check_choice("method", method, _METHODS)
    if (method == "weighted") != (weights is not None):
        raise ValueError(
            "`weights` must be given with `method='weighted'` and only then. "
            f"Received: method={method!r}, weights={weights}."
        )
    if weights is not None and not all(weight > 0 for weight in weights):
        raise ValueError(f"`weights` must be positive. Received: weights={weights}.")
