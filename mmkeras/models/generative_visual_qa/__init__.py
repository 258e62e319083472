"""`GenerativeVisualQA` and what belongs to it alone."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "generative_visual_qa": ["GenerativeVisualQA"],
        "generative_visual_qa_backbone": ["GenerativeVisualQABackbone"],
        "generative_visual_qa_preprocessor": ["GenerativeVisualQAPreprocessor"],
    },
)
