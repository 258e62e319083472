"""Recipes, plain functions that train a task; callbacks and reports."""

from mmkeras.training.caption_metrics import CaptionMetrics
from mmkeras.training.caption_samples import caption_samples
from mmkeras.training.readable_samples import readable_samples
from mmkeras.training.reports import caption_report, html_templates
from mmkeras.training.scene_hallucination import scene_hallucination
from mmkeras.training.train_captioner import train_captioner
from mmkeras.training.train_task import train_task
from mmkeras.training.train_visual_qa import train_visual_qa
from mmkeras.training.visual_qa_report import visual_qa_report
from mmkeras.training.write_test_captions import write_test_captions
from mmkeras.training.written_answers import written_answers

__all__ = [
    "CaptionMetrics",
    "caption_report",
    "caption_samples",
    "html_templates",
    "readable_samples",
    "scene_hallucination",
    "train_captioner",
    "train_task",
    "train_visual_qa",
    "visual_qa_report",
    "write_test_captions",
    "written_answers",
]
