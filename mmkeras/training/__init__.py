"""Recipes, plain functions that train a task; callbacks and reports."""

from mmkeras.training.caption_metrics import CaptionMetrics
from mmkeras.training.caption_report import caption_report
from mmkeras.training.readable_samples import readable_samples
from mmkeras.training.scene_hallucination import scene_hallucination
from mmkeras.training.train_task import train_task
from mmkeras.training.write_test_captions import write_test_captions

__all__ = [
    "CaptionMetrics",
    "caption_report",
    "readable_samples",
    "scene_hallucination",
    "train_task",
    "write_test_captions",
]
