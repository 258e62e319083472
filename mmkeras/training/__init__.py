"""Training runs, callbacks, recipes and reports."""

from mmkeras.training.caption_metrics import CaptionMetrics
from mmkeras.training.reports import caption_report, html_templates
from mmkeras.training.train_task import train_task
from mmkeras.training.write_test_captions import write_test_captions

__all__ = [
    "CaptionMetrics",
    "caption_report",
    "html_templates",
    "train_task",
    "write_test_captions",
]
