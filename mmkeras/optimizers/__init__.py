"""Keras optimizers and learning-rate schedules."""

from mmkeras.optimizers.conv_muon import ConvMuon
from mmkeras.optimizers.layerwise_optimizer import LayerwiseOptimizer
from mmkeras.optimizers.warmup_cosine import WarmupCosine

__all__ = ["ConvMuon", "LayerwiseOptimizer", "WarmupCosine"]
