"""Sources of samples, and what is done with them before the model."""

from mmkeras.data.answer_texts import answer_texts
from mmkeras.data.balance import balance
from mmkeras.data.batch import batch_samples
from mmkeras.data.cache_features import cache_features
from mmkeras.data.caption_texts import caption_texts
from mmkeras.data.class_weights import class_weights
from mmkeras.data.drop_modalities import drop_modalities
from mmkeras.data.find_flickr_list import find_flickr_list
from mmkeras.data.from_coco import from_coco
from mmkeras.data.from_conceptual import from_conceptual
from mmkeras.data.from_flickr import from_flickr
from mmkeras.data.from_folder import from_folder
from mmkeras.data.from_karpathy import from_karpathy
from mmkeras.data.from_question_csv import from_question_csv
from mmkeras.data.from_vqa import from_vqa
from mmkeras.data.load import load
from mmkeras.data.number_samples import number_samples
from mmkeras.data.question_texts import question_texts
from mmkeras.data.skipped_images import SkippedImages

__all__ = [
    "SkippedImages",
    "answer_texts",
    "balance",
    "batch_samples",
    "cache_features",
    "caption_texts",
    "class_weights",
    "drop_modalities",
    "find_flickr_list",
    "from_coco",
    "from_conceptual",
    "from_flickr",
    "from_folder",
    "from_karpathy",
    "from_question_csv",
    "from_vqa",
    "load",
    "number_samples",
    "question_texts",
]
