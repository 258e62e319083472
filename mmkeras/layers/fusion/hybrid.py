from __future__ import annotations

import keras
from keras import ops

from mmkeras.layers.fusion.fusion_block import FusionBlock
from mmkeras.layers.fusion.masked_softmax import masked_softmax
from mmkeras.layers.fusion.modality_head import ModalityHead
from mmkeras.layers.fusion.registry import get


@keras.saving.register_keras_serializable(package="mmkeras")
class HybridFusion(FusionBlock):
    """Hybrid fusion: another block, and each modality for itself beside it.

    With `h_0` the output of the other block, `h_k` a branch of each modality, from the
    projected mean `p_k` of its tokens (`PooledProjection`), and learned `c`:

    ```
    h_k = W_k dropout(gelu(p_k)) + b_k
    fused = sum_{k=0}^K a_k h_k,   a = softmax(c) over h_0 and the modalities there
    ```

    One linear head on `fused` is then a mixture of the logits of all branches; on each
    of the details' branches, it answers for a modality alone, for the objective
    `sum_k lambda_k loss_k`.

    With tokens of `d_k` and `d` = `dim`, it has those parameters of the other block and
    `sum_k (d_k d + 5 d + d^2) + K + 1 + d`, and takes its FLOPs and about
    `sum_k (n_k d_k + 2 d_k d + 2 d^2)` a row.

    Args:
        dim: int, dimension of the output.
        fusion: string, the name of the other block (`mmkeras.layers.fusion.names()`),
            or such a layer, of the same `dim`.
        dropout: float, share of activations dropped in training.

    Call arguments, output shape:
        as `FusionBlock`. The details are those of the other block, `"branches"`, a
        list of K `[rows, dim]`, the `h_k` from 1, which are a learned constant where
        the modality is absent, and `"weights"`, float32 `[rows, K + 1]`, the `a_k`.

    Raises:
        ValueError: as `FusionBlock`, and if the other block is unknown or of another
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
        **kwargs,
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

    def build_parts(self):
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

    def fuse(self, tokens, masks, training):
        joint, details = self.joint(
            tokens, masks=masks, training=training, return_details=True
        )
        branches = [
            branch(x, mask, training=training)
            for branch, x, mask in zip(self.branches, tokens, masks, strict=True)
        ]
        present = [ops.any(mask, axis=1) for mask in masks]
        there = ops.stack([ops.ones_like(present[0]), *present], axis=1)
        shares = masked_softmax(ops.expand_dims(self.balance, 0), there)
        fused = sum(
            ops.cast(shares[:, k : k + 1], one.dtype) * one
            for k, one in enumerate([joint, *branches])
        )
        return fused, {**details, "branches": branches, "weights": shares}

    def get_config(self):
        fusion = keras.saving.serialize_keras_object(self.joint)
        return {**super().get_config(), "fusion": fusion}

    @classmethod
    def from_config(cls, config):
        fusion = keras.saving.deserialize_keras_object(config["fusion"])
        return cls(**{**config, "fusion": fusion})
