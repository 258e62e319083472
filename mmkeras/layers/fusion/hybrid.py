from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from mmkeras.layers.fusion.fusion_block import FusionBlock
from mmkeras.layers.fusion.modality_head import ModalityHead
from mmkeras.layers.fusion.registry import get
from mmkeras.layers.masked_softmax import masked_softmax

if TYPE_CHECKING:
    import tensorflow as tf


@keras.saving.register_keras_serializable(package="mmkeras")
class HybridFusion(FusionBlock):
    """Hybrid fusion: another block combined with a branch for each modality.

    With `h_0` the output of the other block, `h_k` a branch for each modality, computed
    from the projected mean `p_k` of its tokens (`PooledProjection`), and learned `c`:

    ```
    h_k = W_k dropout(gelu(p_k)) + b_k
    fused = sum_{k=0}^K a_k h_k,   a = softmax(c) over h_0 and the present modalities
    ```

    The logits of a linear head on `fused` are then a mixture of those of all branches.
    Applied to each of the details' branches, the head returns the logits of a single
    modality, for the objective `sum_k lambda_k loss_k`.

    With tokens of `d_k` and `d` = `dim`, it has the parameters of the other block and
    `sum_k (d_k d + 5 d + d^2) + K + 1 + d`, and needs its FLOPs and about
    `sum_k (n_k d_k + 2 d_k d + 2 d^2)` per row.

    Args:
        dim: int, dimension of the output.
        fusion: string, the name of the other block (`mmkeras.layers.fusion.names()`),
            or a fusion block with the same `dim`.
        dropout: float, fraction of the activations to drop in training.

    Call arguments, output shape:
        Same as `FusionBlock`. The details are those of the other block, `"branches"`,
        a list of K `[rows, dim]`, the `h_k` from 1, which are a learned constant if the
        modality is absent, and `"weights"`, float32 `[rows, K + 1]`, the `a_k`.

    Raises:
        ValueError: as `FusionBlock`, and if the other block is unknown or has another
            `dim`.

    Example:
        >>> fusion = HybridFusion(dim=64, fusion="film")
        >>> fused = fusion([image_tokens, text_tokens], masks=[None, text_mask])

    Reference:
        - [Atrey et al., 2010](https://doi.org/10.1007/s00530-010-0182-0), section 3.1
    """

    def __init__(
        self,
        dim: int,
        fusion: str | FusionBlock = "shared_attention",
        dropout: float = 0.1,
        **kwargs: Any,
    ):
        super().__init__(dim, dropout, **kwargs)
        self.joint = fusion
        if isinstance(fusion, str):
            self.joint = get(
                fusion, dim=dim, dropout=dropout, name="joint", dtype=self.dtype_policy
            )
        if self.joint.dim != dim:
            raise ValueError(
                f"`fusion` must have the same `dim`, {dim}. Received: "
                f"{self.joint.name!r} with dim={self.joint.dim}."
            )

    def build_parts(self) -> None:
        shapes = [(None, None, size) for size in self.token_dims]
        if not self.joint.built:
            self.joint.build(shapes)
        self.branches = [
            self.built_part(
                ModalityHead,
                f"branch_{k}",
                shape,
                self.dim,
                self.dim,
                self.dropout_rate,
            )
            for k, shape in enumerate(shapes)
        ]
        self.balance = self.add_weight(
            name="balance", shape=(len(shapes) + 1,), initializer="zeros"
        )

    def fuse(
        self, tokens: list[tf.Tensor], masks: list[tf.Tensor], training: bool | None
    ) -> tuple[tf.Tensor, dict[str, list[tf.Tensor]]]:
        joint, details = self.joint(
            tokens, masks=masks, training=training, return_details=True
        )
        branches = [
            branch(x, mask, training=training)
            for branch, x, mask in zip(self.branches, tokens, masks, strict=True)
        ]
        present = [ops.any(mask, axis=1) for mask in masks]
        mask = ops.stack([ops.ones_like(present[0]), *present], axis=1)
        weights = masked_softmax(ops.expand_dims(self.balance, 0), mask)
        fused = sum(
            ops.cast(weights[:, k : k + 1], branch.dtype) * branch
            for k, branch in enumerate([joint, *branches])
        )
        return fused, {**details, "branches": branches, "weights": weights}

    def get_config(self) -> dict[str, Any]:
        fusion = keras.saving.serialize_keras_object(self.joint)
        return {**super().get_config(), "fusion": fusion}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> HybridFusion:
        fusion = keras.saving.deserialize_keras_object(config["fusion"])
        return cls(**{**config, "fusion": fusion})
