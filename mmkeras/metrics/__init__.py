"""Corpus metrics of captions, answers and other predictions, and Keras metrics.

The corpus metrics need NumPy only; Keras is imported when a Keras metric is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "captions.caption_references": ["CaptionReferences"],
        "captions.caption_statistics": ["caption_statistics"],
        "captions.chair": ["chair"],
        "captions.character_tokenizer": ["CharacterTokenizer"],
        "captions.clip_score": ["clip_score"],
        "captions.evaluate_captions": ["evaluate_captions"],
        "captions.jieba_tokenizer": ["JiebaTokenizer"],
        "captions.ptb_tokenizer": ["PTBTokenizer"],
        "captions.perplexity": ["Perplexity"],
        "captions.token_accuracy": ["TokenAccuracy"],
        "answers.evaluate_answers": ["evaluate_answers"],
        "answers.exact_match": ["exact_match"],
        "answers.normalize_answer": ["normalize_answer"],
        "answers.vqa_accuracy": ["vqa_accuracy"],
        "answers.vqa_accuracy_report": ["VQAAccuracyReport"],
        "answers.vqa_soft_scores": ["vqa_soft_scores"],
        "answers.answer_accuracy": ["AnswerAccuracy"],
        "predictions.calibration_error": ["calibration_error"],
        "predictions.classification_scores": ["classification_scores"],
        "predictions.combine_predictions": ["combine_predictions"],
        "predictions.regression_errors": ["regression_errors"],
        "predictions.expected_calibration_error": ["ExpectedCalibrationError"],
        "retrieval.retrieval_scores": ["retrieval_scores"],
        "retrieval.retrieval_recall": ["RetrievalRecall"],
        "statistics.bootstrap": ["confidence_interval", "paired_bootstrap"],
    },
)
