"""Keras optimizers."""

from mmkeras.optimizers.conv_muon import ConvMuon
from mmkeras.optimizers.layerwise_optimizer import LayerwiseOptimizer

__all__ = ["ConvMuon", "LayerwiseOptimizer"]
