"""`ImageCaptioner` and what belongs to it alone."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "image_captioner": ["ImageCaptioner"],
        "image_captioner_backbone": ["ImageCaptionerBackbone"],
        "image_captioner_preprocessor": ["ImageCaptionerPreprocessor"],
    },
)
