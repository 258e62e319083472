"""Pretrained encoders, and readers of published checkpoints."""

from mmkeras.pretrained.efficientnet_lite import efficientnet_lite
from mmkeras.pretrained.minilm import minilm_folder, minilm_text_encoder
from mmkeras.pretrained.read_bert import read_bert
from mmkeras.pretrained.read_safetensors import read_safetensors
from mmkeras.pretrained.read_torch_checkpoint import read_torch_checkpoint

__all__ = [
    "efficientnet_lite",
    "minilm_folder",
    "minilm_text_encoder",
    "read_bert",
    "read_safetensors",
    "read_torch_checkpoint",
]
