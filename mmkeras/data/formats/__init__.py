"""Readers and writers of file formats, for training and evaluation alike."""

from mmkeras.data.formats.caption_results import (
    read_caption_results,
    write_caption_results,
)
from mmkeras.data.formats.coco_captions import (
    CocoCaptions,
    read_caption_references,
    read_coco_captions,
    write_caption_references,
)
from mmkeras.data.formats.conceptual import ConceptualRow, read_conceptual
from mmkeras.data.formats.flickr import (
    find_flickr_list,
    read_flickr_captions,
    read_flickr_list,
)
from mmkeras.data.formats.image_endings import IMAGE_ENDINGS
from mmkeras.data.formats.karpathy import KarpathyImage, read_karpathy
from mmkeras.data.formats.tables import read_csv, read_json_lines, read_table
from mmkeras.data.formats.vqa_questions import (
    VQAQuestions,
    read_vqa_annotations,
    read_vqa_questions,
)
from mmkeras.data.formats.vqa_results import read_vqa_results, write_vqa_results

__all__ = [
    "IMAGE_ENDINGS",
    "CocoCaptions",
    "ConceptualRow",
    "KarpathyImage",
    "VQAQuestions",
    "find_flickr_list",
    "read_caption_references",
    "read_caption_results",
    "read_coco_captions",
    "read_conceptual",
    "read_csv",
    "read_flickr_captions",
    "read_flickr_list",
    "read_json_lines",
    "read_karpathy",
    "read_table",
    "read_vqa_annotations",
    "read_vqa_questions",
    "read_vqa_results",
    "write_caption_references",
    "write_caption_results",
    "write_vqa_results",
]
