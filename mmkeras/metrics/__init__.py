"""Keras metrics, and metrics of texts that need no Keras."""

from mmkeras.metrics.answer_accuracy import AnswerAccuracy
from mmkeras.metrics.normalize_answer import normalize_answer
from mmkeras.metrics.perplexity import Perplexity
from mmkeras.metrics.vqa_accuracy import vqa_accuracy
from mmkeras.metrics.vqa_accuracy_report import VQAAccuracyReport
from mmkeras.metrics.vqa_soft_scores import vqa_soft_scores

__all__ = [
    "AnswerAccuracy",
    "Perplexity",
    "VQAAccuracyReport",
    "normalize_answer",
    "vqa_accuracy",
    "vqa_soft_scores",
]
