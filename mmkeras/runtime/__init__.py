"""Running exported LiteRT files without TensorFlow and Keras."""

from mmkeras.runtime.caption import Answer, Caption
from mmkeras.runtime.litert_captioner import LiteRTCaptioner
from mmkeras.runtime.litert_file import LiteRTFile
from mmkeras.runtime.litert_visual_qa import LiteRTVisualQA

__all__ = ["Answer", "Caption", "LiteRTCaptioner", "LiteRTFile", "LiteRTVisualQA"]
