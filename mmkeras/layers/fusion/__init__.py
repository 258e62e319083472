"""Fusion blocks, which combine the tokens of several modalities, by name."""

from mmkeras.layers.fusion.bidirectional_cross_attention import (
    BidirectionalCrossAttentionFusion,
)
from mmkeras.layers.fusion.concatenation import ConcatenationFusion
from mmkeras.layers.fusion.film import FiLMFusion
from mmkeras.layers.fusion.fusion_block import FusionBlock
from mmkeras.layers.fusion.gated import GatedFusion
from mmkeras.layers.fusion.hybrid import HybridFusion
from mmkeras.layers.fusion.late import LateFusion
from mmkeras.layers.fusion.low_rank_bilinear import LowRankBilinearFusion
from mmkeras.layers.fusion.registry import get, names, register
from mmkeras.layers.fusion.shared_attention import SharedAttentionFusion
from mmkeras.layers.fusion.single_stream import SingleStreamFusion
from mmkeras.layers.fusion.stacked_attention import StackedAttentionFusion

register("bidirectional_cross_attention", BidirectionalCrossAttentionFusion)
register("concatenation", ConcatenationFusion)
register("film", FiLMFusion)
register("gated", GatedFusion)
register("hybrid", HybridFusion)
register("late", LateFusion)
register("low_rank_bilinear", LowRankBilinearFusion)
register("shared_attention", SharedAttentionFusion)
register("single_stream", SingleStreamFusion)
register("stacked_attention", StackedAttentionFusion)

__all__ = [
    "BidirectionalCrossAttentionFusion",
    "ConcatenationFusion",
    "FiLMFusion",
    "FusionBlock",
    "GatedFusion",
    "HybridFusion",
    "LateFusion",
    "LowRankBilinearFusion",
    "SharedAttentionFusion",
    "SingleStreamFusion",
    "StackedAttentionFusion",
    "get",
    "names",
    "register",
]
