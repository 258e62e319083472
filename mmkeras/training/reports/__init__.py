"""HTML reports of trained tasks."""

from mmkeras.training.reports.caption_report import caption_report
from mmkeras.training.reports.html_templates import html_templates

__all__ = ["caption_report", "html_templates"]
