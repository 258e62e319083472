"""Fusion of modalities: one block per file, each with a name."""

from mmkeras.layers.fusion.bidirectional_cross_attention import (
    BidirectionalCrossAttentionFusion,
)
from mmkeras.layers.fusion.concatenation import ConcatenationFusion
from mmkeras.layers.fusion.film import FiLMFusion
from mmkeras.layers.fusion.fusion_block import FusionBlock
from mmkeras.layers.fusion.gated import GatedFusion
from mmkeras.layers.fusion.registry import get, names, register

register("bidirectional_cross_attention", BidirectionalCrossAttentionFusion)
register("concatenation", ConcatenationFusion)
register("film", FiLMFusion)
register("gated", GatedFusion)

__all__ = [
    "BidirectionalCrossAttentionFusion",
    "ConcatenationFusion",
    "FiLMFusion",
    "FusionBlock",
    "GatedFusion",
    "get",
    "names",
    "register",
]
