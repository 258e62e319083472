"""`VisualQA` and what belongs to it alone."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "visual_qa": ["VisualQA"],
        "visual_qa_backbone": ["VisualQABackbone"],
        "visual_qa_preprocessor": ["VisualQAPreprocessor"],
    },
)
