from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import ops

from mmkeras.layers.fusion.fusion_block import FusionBlock
from mmkeras.layers.fusion.pooled_projection import PooledProjection

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class GatedFusion(FusionBlock):
    """Gated multimodal unit: each feature selects among the modalities.

    With `p_k` the projected mean of the tokens of a modality (`PooledProjection`):

    ```
    h_k = tanh(W_k p_k + b_k)
    z = softmax over k of (V_k [p_1; ...; p_K] + c_k)
    fused = dropout(sum_k z_k * h_k)
    ```

    Absent modalities are excluded from the softmax. For two modalities, this is the
    paper's `z * h_1 + (1 - z) * h_2` with `z` a sigmoid, since a softmax of two is the
    sigmoid of their difference; the softmax generalizes it to K.

    With tokens of `d_k` and `d` = `dim`, it has
    `sum_k (d_k d + 4 d) + K (d + 1) d + (K d + 1) K d + d` parameters, and needs about
    `sum_k (n_k d_k + 2 d_k d) + 2 (K + K^2) d^2` FLOPs per row.

    Args:
        dim: int, dimension of the output.
        dropout: float, fraction of the activations to drop in training.

    Call arguments, output shape, raises:
        Same as `FusionBlock`. The details are `"gates"`, a list of K float32
        `[rows, dim]`, the `z_k`, which sum to 1; 0 for an absent modality.

    Example:
        >>> fusion = GatedFusion(dim=64)
        >>> fused = fusion([image_tokens, text_tokens], masks=[None, text_mask])

    Reference:
        - [Arevalo et al., 2017](https://arxiv.org/abs/1702.01992)
    """

    def build_parts(self) -> None:
        number = len(self.token_dims)
        self.pools = [
            self.built_part(PooledProjection, f"pool_{k}", (None, None, size), self.dim)
            for k, size in enumerate(self.token_dims)
        ]
        self.values = [
            self.built_part(
                keras.layers.Dense,
                f"value_{k}",
                (None, self.dim),
                self.dim,
                activation="tanh",
            )
            for k in range(number)
        ]
        joint = number * self.dim
        self.gate = self.built_part(keras.layers.Dense, "gate", (None, joint), joint)

    def fuse(
        self, tokens: list[tf.Tensor], masks: list[tf.Tensor], training: bool | None
    ) -> tuple[tf.Tensor, dict[str, list[tf.Tensor]]]:
        pooled = [
            pool(x, mask)
            for pool, x, mask in zip(self.pools, tokens, masks, strict=True)
        ]
        gates = self._gates(pooled, masks)
        values = [value(x) for value, x in zip(self.values, pooled, strict=True)]
        fused = sum(
            ops.cast(gate, value.dtype) * value
            for gate, value in zip(gates, values, strict=True)
        )
        return self.dropout(fused, training=training), {"gates": gates}

    def _gates(self, pooled, masks):
        scores = ops.cast(self.gate(ops.concatenate(pooled, axis=-1)), "float32")
        scores = ops.reshape(scores, (-1, len(pooled), self.dim))
        present = ops.stack([ops.any(mask, axis=1) for mask in masks], axis=1)
        present = ops.expand_dims(present, -1)
        gates = ops.softmax(ops.where(present, scores, -1e9), axis=1)
        gates = ops.where(present, gates, 0.0)
        return [gates[:, k] for k in range(len(pooled))]
