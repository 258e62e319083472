"""Tasks: models with a preprocessor and the verbs of their purpose."""

from mmkeras.models.image_captioner import ImageCaptioner
from mmkeras.models.image_captioner_backbone import ImageCaptionerBackbone

__all__ = ["ImageCaptioner", "ImageCaptionerBackbone"]
