"""Sources of samples, and what happens to samples before the model."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["formats"],
    submod_attrs={
        "transforms.answer_texts": ["answer_texts"],
        "transforms.balance": ["balance"],
        "transforms.batch_samples": ["batch_samples"],
        "cache_features": ["cache_features"],
        "transforms.caption_texts": ["caption_texts"],
        "transforms.class_weights": ["class_weights"],
        "transforms.drop_modalities": ["drop_modalities"],
        "transforms.number_samples": ["number_samples"],
        "transforms.question_texts": ["question_texts"],
        "skipped_images": ["SkippedImages"],
        "sources.find_flickr_list": ["find_flickr_list"],
        "sources.from_coco": ["from_coco"],
        "sources.from_conceptual": ["from_conceptual"],
        "sources.from_flickr": ["from_flickr"],
        "sources.from_folder": ["from_folder"],
        "sources.from_karpathy": ["from_karpathy"],
        "sources.from_question_csv": ["from_question_csv"],
        "sources.from_vqa": ["from_vqa"],
        "sources.load": ["load"],
        "sources.load_captioned": ["load_samples", "load_splits"],
        "sources.load_questions": ["load_question_splits", "load_questions"],
    },
)
