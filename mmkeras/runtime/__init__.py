"""Exported LiteRT files in use, with neither TensorFlow nor Keras."""

from mmkeras.runtime.litert_captioner import LiteRTCaptioner
from mmkeras.runtime.litert_visual_qa import LiteRTVisualQA

__all__ = ["LiteRTCaptioner", "LiteRTVisualQA"]
