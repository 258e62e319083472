"""Sources of samples, file formats, and transforms of samples."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["formats"],
    submod_attrs={
        "transforms.balance": ["balance"],
        "transforms.batch_samples": ["batch_samples"],
        "formats.flickr": ["find_flickr_list"],
        "transforms.class_weights": ["class_weights"],
        "transforms.dataset_texts": [
            "answer_texts",
            "caption_texts",
            "question_texts",
            "select_key",
            "texts_under",
        ],
        "transforms.drop_modalities": ["drop_modalities"],
        "transforms.number_samples": ["number_samples"],
        "transforms.readable_samples": ["readable_samples"],
        "feature_cache": ["FeatureCache"],
        "decode_samples": ["DecodedSamples", "missing_key"],
        "modalities": ["MODALITIES", "is_batched"],
        "sample_pipeline": ["Batches", "SamplePipeline"],
        "skipped_samples": ["SkippedSamples"],
        "sources.from_coco": ["from_coco"],
        "sources.from_conceptual": ["from_conceptual"],
        "sources.from_flickr": ["from_flickr"],
        "sources.from_folder": ["from_folder"],
        "sources.from_karpathy": ["from_karpathy"],
        "sources.from_question_csv": ["from_question_csv"],
        "sources.from_vqa": ["from_vqa"],
        "sources.load": ["load"],
        "sources.open_samples": ["open_samples"],
        "sources.registry": ["Source", "register_source"],
    },
)
