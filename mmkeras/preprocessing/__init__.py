"""Raw samples to tensors and back, all in graph."""

from mmkeras.preprocessing.bert_tokenizer import BertTokenizer
from mmkeras.preprocessing.decode_image import (
    IMAGE_MAX_PIXELS,
    decode_image,
    image_error,
)
from mmkeras.preprocessing.generative_visual_qa_preprocessor import (
    GenerativeVisualQAPreprocessor,
)
from mmkeras.preprocessing.image_captioner_preprocessor import (
    ImageCaptionerPreprocessor,
)
from mmkeras.preprocessing.image_converter import ImageConverter
from mmkeras.preprocessing.pack_tokens import pack_tokens
from mmkeras.preprocessing.visual_qa_preprocessor import VisualQAPreprocessor
from mmkeras.preprocessing.word_piece_tokenizer import WordPieceTokenizer
from mmkeras.preprocessing.word_tokenizer import WordTokenizer

__all__ = [
    "IMAGE_MAX_PIXELS",
    "BertTokenizer",
    "GenerativeVisualQAPreprocessor",
    "ImageCaptionerPreprocessor",
    "ImageConverter",
    "VisualQAPreprocessor",
    "WordPieceTokenizer",
    "WordTokenizer",
    "decode_image",
    "image_error",
    "pack_tokens",
]
