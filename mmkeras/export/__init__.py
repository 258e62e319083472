"""Models as files that servers and phones run."""

from mmkeras.export.export_task import export_task
from mmkeras.export.saved_model import export_saved_model
from mmkeras.export.write_serving_config import write_serving_config
from mmkeras.export.write_warmup_requests import write_warmup_requests

__all__ = [
    "export_saved_model",
    "export_task",
    "write_serving_config",
    "write_warmup_requests",
]
