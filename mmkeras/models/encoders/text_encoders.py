from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
import keras_hub
import tensorflow as tf

from mmkeras.keras2 import load_tf_keras
from mmkeras.layers import (
    KerasHubTextEncoder,
    ModelTextEncoder,
    RecurrentTextEncoder,
    TextEncoder,
    TransformerTextEncoder,
)
from mmkeras.models.choose_length import choose_length
from mmkeras.models.encoders.is_model_path import is_model_path
from mmkeras.preprocessing import BertTokenizer, WordPieceTokenizer
from mmkeras.pretrained import minilm_folder, read_bert

_LEARNED = ("gru", "lstm", "transformer")
_NAMES = (*_LEARNED, "minilm")
_MIN_HEAD_DIM = 32
# Questions that are asked later may be longer than those of the training data.
MIN_LENGTH = 24


def build_text_encoder(
    encoder: str | tuple[Any, keras_hub.tokenizers.Tokenizer],
    texts: Iterable[str] | tf.data.Dataset | None = None,
    dim: int = 256,
    sequence_length: int | None = None,
    vocabulary_size: int = 8000,
    trainable: bool | None = None,
) -> tuple[TextEncoder, keras_hub.tokenizers.Tokenizer]:
    """Builds a text encoder and its tokenizer.

    Args:
        encoder: string, one of `"gru"`, `"lstm"`, `"transformer"`, which are trained
            from scratch with a vocabulary learned from `texts`, or `"minilm"`, which
            is pretrained; or a pair of an encoder and its tokenizer. The encoder is a
            KerasHub text backbone, a `mmkeras.layers.TextEncoder`, a `keras.Model` as
            `mmkeras.layers.ModelTextEncoder` accepts it, or the path of such a Keras 2
            model, an `.h5` or `.keras` file or a SavedModel folder
            (`mmkeras.keras2.load_tf_keras`).
        texts: iterable of strings, or `tf.data.Dataset` of `tf.string`, to learn the
            vocabulary of an encoder trained from scratch.
        dim: int, output dimension of an encoder trained from scratch.
        sequence_length: int, maximum number of tokens of a text; `None` to choose it
            from `texts`.
        vocabulary_size: int, maximum number of tokens to learn.
        trainable: bool, whether to train all of it; `None` to freeze pretrained
            encoders, train those from scratch, and leave a given
            `mmkeras.layers.TextEncoder` as it is.

    Returns:
        A layer from int `[rows, length]` to `[rows, length, dim]`, with `dim`,
        `pad_token_id` and `mask(token_ids)`, and its tokenizer, for `pack_tokens`.

    Raises:
        ValueError: if the encoder is unknown, has no texts to learn from, reads fewer
            tokens than `sequence_length`, has a smaller vocabulary than its tokenizer,
            or is a Keras 2 model that cannot be rebuilt.
        FileNotFoundError: if the path does not exist.
        ImportError: if the package with the weights is not installed.
    """
    if isinstance(encoder, str) and encoder in _LEARNED:
        layer, tokenizer = _learned(
            encoder, texts, dim, sequence_length, vocabulary_size
        )
        layer.trainable = trainable is not False
    elif isinstance(encoder, str) and encoder == "minilm":
        layer, tokenizer = _minilm()
        layer.trainable = bool(trainable)
    else:
        layer, tokenizer = _given(encoder, trainable)
    _check(layer, tokenizer, sequence_length)
    return layer, tokenizer


def _learned(name, texts, dim, sequence_length, vocabulary_size):
    if texts is None:
        raise ValueError(
            f"The text encoder {name!r} learns its vocabulary from `texts`, which are "
            "missing. Give the questions, or use 'minilm', which has a vocabulary."
        )
    texts = list(texts)
    tokenizer = WordPieceTokenizer.learn(texts, vocabulary_size)
    size, pad = tokenizer.vocabulary_size(), tokenizer.pad_token_id
    if name == "transformer":
        length = choose_length(
            texts,
            tokenizer,
            "sequence_length",
            sequence_length,
            "cut",
            kind="questions",
            special_tokens=2,
            minimum=MIN_LENGTH,
        )
        heads = max(n for n in (1, 2, 4, 8) if n == 1 or _divides(n, dim))
        layer = TransformerTextEncoder(
            size, length, dim, num_heads=heads, pad_token_id=pad
        )
    else:
        layer = RecurrentTextEncoder(size, dim, name, dropout=0.1, pad_token_id=pad)
    return layer, tokenizer


def _divides(heads: int, dim: int) -> bool:
    return dim % heads == 0 and dim // heads >= _MIN_HEAD_DIM


def _minilm():
    folder = minilm_folder()
    return read_bert(folder), BertTokenizer(str(folder / "vocab.txt"))


def _given(encoder, trainable):
    pair = isinstance(encoder, (tuple, list)) and len(encoder) == 2
    if not pair or not isinstance(encoder[1], keras_hub.tokenizers.Tokenizer):
        raise ValueError(
            f"`text_encoder` must be one of {', '.join(_NAMES)}, or a pair of a "
            "KerasHub text backbone, a `mmkeras.layers.TextEncoder`, a `keras.Model` "
            "or the path of a Keras 2 model, and its tokenizer. Received: "
            f"text_encoder={encoder!r}."
        )
    layer, tokenizer = encoder
    pad = getattr(tokenizer, "pad_token_id", None)
    if is_model_path(layer):
        layer = load_tf_keras(layer)
    hub = isinstance(layer, keras_hub.models.Backbone)
    if isinstance(layer, keras.Model) and not hub:
        return ModelTextEncoder(layer, bool(trainable), pad), tokenizer
    if not isinstance(layer, TextEncoder):
        return KerasHubTextEncoder(layer, bool(trainable), pad), tokenizer
    if trainable is not None:
        layer.trainable = trainable
    return layer, tokenizer


def _check(layer, tokenizer, sequence_length):
    pad = getattr(tokenizer, "pad_token_id", None)
    if pad is None or pad != layer.pad_token_id:
        raise ValueError(
            f"The padding token of the text encoder is {layer.pad_token_id}, that of "
            f"its tokenizer is {pad}. Build both with the same `pad_token_id`."
        )
    backbone = getattr(layer, "backbone", layer)
    size = getattr(backbone, "vocabulary_size", None)
    if size is not None and size < tokenizer.vocabulary_size():
        raise ValueError(
            f"The tokenizer has {tokenizer.vocabulary_size()} tokens, but the text "
            f"encoder embeds {size}. Give the tokenizer that belongs to it."
        )
    longest = max_length_of(layer)
    if None not in (longest, sequence_length) and longest < sequence_length:
        raise ValueError(
            f"The text encoder reads at most {longest} tokens. Lower "
            f"`sequence_length`. Received: sequence_length={sequence_length}."
        )


def max_length_of(layer: keras.layers.Layer) -> int | None:
    """The maximum number of tokens that a text encoder reads, or `None` for any.

    Args:
        layer: a text encoder, as `build_text_encoder` returns it.
    """
    backbone = getattr(layer, "backbone", layer)
    longest = getattr(backbone, "max_sequence_length", None)
    return getattr(backbone, "max_length", longest)
