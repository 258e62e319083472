"""Keras layers, nothing else."""

from mmkeras.layers import fusion
from mmkeras.layers.attention_block import AttentionBlock
from mmkeras.layers.efficientnet_lite import efficientnet_lite
from mmkeras.layers.grid_attention_bias import GridAttentionBias
from mmkeras.layers.grid_position_embedding import GridPositionEmbedding
from mmkeras.layers.image_encoder import ImageEncoder
from mmkeras.layers.region_encoder import RegionEncoder
from mmkeras.layers.small_cnn import small_cnn
from mmkeras.layers.text_decoder import TextDecoder
from mmkeras.layers.word_attention_bias import WordAttentionBias

__all__ = [
    "AttentionBlock",
    "GridAttentionBias",
    "GridPositionEmbedding",
    "ImageEncoder",
    "RegionEncoder",
    "TextDecoder",
    "WordAttentionBias",
    "efficientnet_lite",
    "fusion",
    "small_cnn",
]
