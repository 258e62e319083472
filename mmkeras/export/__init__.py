"""Models as files that servers and phones run."""

from mmkeras.export.export_task import export_task
from mmkeras.export.saved_model import export_saved_model

__all__ = ["export_saved_model", "export_task"]
