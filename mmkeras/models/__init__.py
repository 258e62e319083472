"""Tasks: models with a preprocessor and the verbs of their purpose."""

from mmkeras.models.generative_visual_qa import GenerativeVisualQA
from mmkeras.models.generative_visual_qa_backbone import (
    GenerativeVisualQABackbone,
)
from mmkeras.models.image_captioner import ImageCaptioner
from mmkeras.models.image_captioner_backbone import ImageCaptionerBackbone
from mmkeras.models.text_encoders import build_text_encoder
from mmkeras.models.visual_qa import VisualQA
from mmkeras.models.visual_qa_backbone import VisualQABackbone

__all__ = [
    "GenerativeVisualQA",
    "GenerativeVisualQABackbone",
    "ImageCaptioner",
    "ImageCaptionerBackbone",
    "VisualQA",
    "VisualQABackbone",
    "build_text_encoder",
]
