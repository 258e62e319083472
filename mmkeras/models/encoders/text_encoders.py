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
    """A text encoder and the tokenizer whose tokens it takes.

    Args:
        encoder: string, one of `"gru"`, `"lstm"`, `"transformer"`, which learn from
            nothing, with a vocabulary learned from `texts`, or `"minilm"`, which is
            pretrained; or a pair of an encoder and its tokenizer. That encoder is a
            KerasHub text backbone, one of our text encoders, a `keras.Model` as
            `ModelTextEncoder` takes it, or the path of such a model of Keras 2, an
            `.h5` or `.keras` file or a SavedModel folder
            (`mmkeras.keras2.load_tf_keras`).
        texts: Iterable of `str`, or `tf.data.Dataset` of `tf.string`, for those that
            learn from nothing; else not used.
        dim: int, dimension of the output of those that learn from nothing.
        sequence_length: int, the most tokens that a text will have.
        vocabulary_size: int, largest number of pieces that is learned.
        trainable: bool, whether all of it is trained; or `None`: an encoder with
            pretrained weights is frozen, one that learns from nothing is trained, and
            a layer of ours that is given is left as it is.

    Returns:
        A layer from int `[rows, length]` to `[rows, length, dim]`, with `dim`,
        `pad_token_id` and `mask(token_ids)`, and its tokenizer, for `pack_tokens`.

    Raises:
        ValueError: if the encoder is not known, has no texts to learn from, takes
            fewer tokens than `sequence_length` or than its tokenizer has pieces, or is
            a model of Keras 2 that cannot be rebuilt.
        FileNotFoundError: if there is no file of that path.
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
            "missing. Give the questions, or take 'minilm', which has a vocabulary."
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
            f"`text_encoder` must be one of {', '.join(_NAMES)}, or a pair of a text "
            "backbone of KerasHub, a text encoder of `mmkeras.layers`, a `keras.Model` "
            "or the path of a model of Keras 2, and its tokenizer. Received: "
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
            f"The text encoder takes token {layer.pad_token_id} for padding, its "
            f"tokenizer {pad}. Make them with the same `pad_token_id`."
        )
    backbone = getattr(layer, "backbone", layer)
    size = getattr(backbone, "vocabulary_size", None)
    if size is not None and size < tokenizer.vocabulary_size():
        raise ValueError(
            f"The tokenizer has {tokenizer.vocabulary_size()} pieces, of which the "
            f"text encoder embeds {size}. Give the tokenizer that belongs to it."
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
