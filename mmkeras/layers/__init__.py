"""Keras layers: encoders of images and text, attention, decoders, fusion."""

from mmkeras.layers import fusion
from mmkeras.layers.answer_writer import AnswerWriter
from mmkeras.layers.attention_block import AttentionBlock
from mmkeras.layers.bert_text_encoder import BertTextEncoder
from mmkeras.layers.grid_attention_bias import GridAttentionBias
from mmkeras.layers.grid_position_embedding import GridPositionEmbedding
from mmkeras.layers.image_encoder import ImageEncoder
from mmkeras.layers.keras_hub_text_encoder import KerasHubTextEncoder
from mmkeras.layers.model_text_encoder import ModelTextEncoder
from mmkeras.layers.question_answerer import QuestionAnswerer
from mmkeras.layers.recurrent_text_encoder import RecurrentTextEncoder
from mmkeras.layers.region_encoder import RegionEncoder
from mmkeras.layers.text_decoder import TextDecoder
from mmkeras.layers.text_encoder import TextEncoder
from mmkeras.layers.transformer_text_encoder import TransformerTextEncoder
from mmkeras.layers.word_attention_bias import WordAttentionBias

__all__ = [
    "AnswerWriter",
    "AttentionBlock",
    "BertTextEncoder",
    "GridAttentionBias",
    "GridPositionEmbedding",
    "ImageEncoder",
    "KerasHubTextEncoder",
    "ModelTextEncoder",
    "QuestionAnswerer",
    "RecurrentTextEncoder",
    "RegionEncoder",
    "TextDecoder",
    "TextEncoder",
    "TransformerTextEncoder",
    "WordAttentionBias",
    "fusion",
]
