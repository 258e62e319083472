"""Keras metrics."""

from mmkeras.metrics.answer_accuracy import AnswerAccuracy
from mmkeras.metrics.perplexity import Perplexity

__all__ = ["AnswerAccuracy", "Perplexity"]
