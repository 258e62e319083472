"""Recipes, plain functions that train a task; callbacks and reports."""

from mmkeras.training.caption_metrics import CaptionMetrics
from mmkeras.training.caption_report import caption_report
from mmkeras.training.caption_samples import caption_samples
from mmkeras.training.captioner_run import CaptionerRun
from mmkeras.training.scene_hallucination import scene_hallucination
from mmkeras.training.train_captioner import (
    load_samples,
    load_splits,
    train_captioner,
)
from mmkeras.training.write_test_captions import write_test_captions

__all__ = [
    "CaptionMetrics",
    "CaptionerRun",
    "caption_report",
    "caption_samples",
    "load_samples",
    "load_splits",
    "scene_hallucination",
    "train_captioner",
    "write_test_captions",
]
