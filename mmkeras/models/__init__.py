"""Tasks: models with a preprocessor and the verbs of their purpose."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "image_captioner.image_captioner": ["ImageCaptioner"],
        "image_captioner.image_captioner_backbone": ["ImageCaptionerBackbone"],
        "image_captioner.image_captioner_preprocessor": ["ImageCaptionerPreprocessor"],
        "visual_qa.visual_qa": ["VisualQA"],
        "visual_qa.visual_qa_backbone": ["VisualQABackbone"],
        "visual_qa.visual_qa_preprocessor": ["VisualQAPreprocessor"],
        "generative_visual_qa.generative_visual_qa": ["GenerativeVisualQA"],
        "generative_visual_qa.generative_visual_qa_backbone": [
            "GenerativeVisualQABackbone"
        ],
        "generative_visual_qa.generative_visual_qa_preprocessor": [
            "GenerativeVisualQAPreprocessor"
        ],
        "image_captioner.captioner_run": ["CaptionerRun"],
        "visual_qa.visual_qa_run": ["VisualQARun"],
        "run": ["Run"],
        "encoders.text_encoders": ["build_text_encoder"],
        "task": ["Task"],
    },
)
