"""Raw images and text to tensors and back, in graph."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "images.decode_image": ["IMAGE_MAX_PIXELS", "decode_image", "image_error"],
        "images.image_converter": ["ImageConverter"],
        "images.image_modality": ["ImageModality"],
        "images.load_images": ["load_images"],
        "modality": ["Modality"],
        "text.bert_tokenizer": ["BertTokenizer"],
        "text.pack_tokens": ["pack_tokens"],
        "text.text_modality": ["TextModality"],
        "text.word_piece_tokenizer": ["WordPieceTokenizer"],
        "text.word_tokenizer": ["WordTokenizer"],
        "unreadable": ["ON_ERROR", "UnreadableError", "checked_outputs", "shorten"],
    },
)
