"""Pretrained encoders from the files in which others publish their weights."""

from mmkeras.pretrained.efficientnet_lite import efficientnet_lite
from mmkeras.pretrained.minilm_folder import minilm_folder
from mmkeras.pretrained.minilm_text_encoder import minilm_text_encoder
from mmkeras.pretrained.read_bert import read_bert

__all__ = [
    "efficientnet_lite",
    "minilm_folder",
    "minilm_text_encoder",
    "read_bert",
]
