"""Keras optimizers."""

from mmkeras.optimizers.conv_muon import ConvMuon

__all__ = ["ConvMuon"]
