"""Keras metrics."""

from mmkeras.metrics.perplexity import Perplexity

__all__ = ["Perplexity"]
