"""Metrics: of captions and other predictions in NumPy, and of Keras for `compile`.

Only the latter import Keras, when they are first used.
"""

from __future__ import annotations

import importlib

from mmkeras.metrics.calibration_error import calibration_error
from mmkeras.metrics.caption_references import CaptionReferences
from mmkeras.metrics.caption_statistics import caption_statistics
from mmkeras.metrics.chair import chair
from mmkeras.metrics.character_tokenizer import CharacterTokenizer
from mmkeras.metrics.classification_scores import classification_scores
from mmkeras.metrics.clip_score import clip_score
from mmkeras.metrics.combine_predictions import combine_predictions
from mmkeras.metrics.confidence_interval import confidence_interval
from mmkeras.metrics.evaluate_answers import evaluate_answers
from mmkeras.metrics.evaluate_captions import evaluate_captions
from mmkeras.metrics.exact_match import exact_match
from mmkeras.metrics.jieba_tokenizer import JiebaTokenizer
from mmkeras.metrics.normalize_answer import normalize_answer
from mmkeras.metrics.paired_bootstrap import paired_bootstrap
from mmkeras.metrics.ptb_tokenizer import PTBTokenizer
from mmkeras.metrics.read_caption_references import read_caption_references
from mmkeras.metrics.read_caption_results import read_caption_results
from mmkeras.metrics.read_vqa_annotations import read_vqa_annotations
from mmkeras.metrics.read_vqa_results import read_vqa_results
from mmkeras.metrics.regression_errors import regression_errors
from mmkeras.metrics.retrieval_scores import retrieval_scores
from mmkeras.metrics.vqa_accuracy import vqa_accuracy
from mmkeras.metrics.vqa_accuracy_report import VQAAccuracyReport
from mmkeras.metrics.vqa_soft_scores import vqa_soft_scores
from mmkeras.metrics.write_caption_results import write_caption_results
from mmkeras.metrics.write_vqa_results import write_vqa_results

_OF_KERAS = {
    "AnswerAccuracy": "answer_accuracy",
    "ExpectedCalibrationError": "expected_calibration_error",
    "Perplexity": "perplexity",
    "RetrievalRecall": "retrieval_recall",
}

__all__ = [
    "CaptionReferences",
    "CharacterTokenizer",
    "JiebaTokenizer",
    "PTBTokenizer",
    "VQAAccuracyReport",
    "calibration_error",
    "caption_statistics",
    "chair",
    "classification_scores",
    "clip_score",
    "combine_predictions",
    "confidence_interval",
    "evaluate_answers",
    "evaluate_captions",
    "exact_match",
    "normalize_answer",
    "paired_bootstrap",
    "read_caption_references",
    "read_caption_results",
    "read_vqa_annotations",
    "read_vqa_results",
    "regression_errors",
    "retrieval_scores",
    "vqa_accuracy",
    "vqa_soft_scores",
    "write_caption_results",
    "write_vqa_results",
    *_OF_KERAS,
]


def __getattr__(name: str):
    if name in _OF_KERAS:
        module = importlib.import_module(f"mmkeras.metrics.{_OF_KERAS[name]}")
        return getattr(module, name)
    raise AttributeError(f"module 'mmkeras.metrics' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_OF_KERAS])
