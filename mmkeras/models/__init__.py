"""Tasks: models with a preprocessor and the verbs of their purpose."""

from mmkeras.models.image_captioner import ImageCaptioner
from mmkeras.models.image_captioner_backbone import ImageCaptionerBackbone
from mmkeras.models.visual_qa import VisualQA
from mmkeras.models.visual_qa_backbone import VisualQABackbone

__all__ = ["ImageCaptioner", "ImageCaptionerBackbone", "VisualQA", "VisualQABackbone"]
