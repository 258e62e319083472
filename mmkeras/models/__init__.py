"""Tasks: models with a preprocessor and a verb for raw inputs."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "encoders.image_encoders": ["build_image_encoder"],
        "encoders.small_cnn": ["small_cnn"],
        "encoders.text_encoders": ["build_text_encoder"],
        "evaluators": ["Evaluator", "choose_evaluators", "register_evaluator"],
        "generative_visual_qa.generative_visual_qa": ["GenerativeVisualQA"],
        "generative_visual_qa.generative_visual_qa_backbone": [
            "GenerativeVisualQABackbone"
        ],
        "generative_visual_qa.generative_visual_qa_preprocessor": [
            "GenerativeVisualQAPreprocessor"
        ],
        "generative_visual_qa.generative_visual_qa_run": ["GenerativeVisualQARun"],
        "image_captioner.captioned_samples": ["CaptionedSamples"],
        "image_captioner.captioner_run": ["CaptionerRun"],
        "image_captioner.image_captioner": ["ImageCaptioner"],
        "image_captioner.image_captioner_backbone": ["ImageCaptionerBackbone"],
        "image_captioner.image_captioner_preprocessor": ["ImageCaptionerPreprocessor"],
        "image_run": ["ImageRun"],
        "image_task": ["ImageTask"],
        "predictions": ["Prediction", "Predictions"],
        "questions.explanation": ["Explanation"],
        "questions.visual_qa_report": ["visual_qa_report"],
        "questions.written_answers": ["written_answers"],
        "registry": ["register_task", "spec_of_class", "spec_of_run", "task_specs"],
        "signature": ["row_signature"],
        "run": ["Run"],
        "task": ["Task"],
        "task_preprocessor": ["TaskPreprocessor"],
        "task_spec": ["TaskSpec"],
        "vision_backbone": ["VisionBackbone"],
        "visual_qa.visual_qa": ["VisualQA"],
        "visual_qa.visual_qa_backbone": ["VisualQABackbone"],
        "visual_qa.visual_qa_preprocessor": ["VisualQAPreprocessor"],
        "visual_qa.visual_qa_run": ["VisualQARun"],
    },
)
