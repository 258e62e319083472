"""Readers and writers of file formats, for training and measuring alike."""

from mmkeras.data.formats.read_caption_references import read_caption_references
from mmkeras.data.formats.read_caption_results import read_caption_results
from mmkeras.data.formats.read_vqa_annotations import read_vqa_annotations
from mmkeras.data.formats.read_vqa_results import read_vqa_results
from mmkeras.data.formats.write_caption_results import write_caption_results
from mmkeras.data.formats.write_vqa_results import write_vqa_results

__all__ = [
    "read_caption_references",
    "read_caption_results",
    "read_vqa_annotations",
    "read_vqa_results",
    "write_caption_results",
    "write_vqa_results",
]
