"""Keras layers, nothing else."""

from mmkeras.layers.attention_block import AttentionBlock
from mmkeras.layers.efficientnet_lite import efficientnet_lite
from mmkeras.layers.grid_attention_bias import GridAttentionBias
from mmkeras.layers.grid_position_embedding import GridPositionEmbedding
from mmkeras.layers.image_encoder import ImageEncoder
from mmkeras.layers.recurrent_text_encoder import RecurrentTextEncoder
from mmkeras.layers.region_encoder import RegionEncoder
from mmkeras.layers.small_cnn import small_cnn
from mmkeras.layers.text_decoder import TextDecoder
from mmkeras.layers.transformer_text_encoder import TransformerTextEncoder
from mmkeras.layers.word_attention_bias import WordAttentionBias

__all__ = [
    "AttentionBlock",
    "GridAttentionBias",
    "GridPositionEmbedding",
    "ImageEncoder",
    "RecurrentTextEncoder",
    "RegionEncoder",
    "TextDecoder",
    "TransformerTextEncoder",
    "WordAttentionBias",
    "efficientnet_lite",
    "small_cnn",
]
