from __future__ import annotations

import json
import os
import pathlib
from typing import Any

import numpy as np

from mmkeras.layers.bert_text_encoder import BertTextEncoder
from mmkeras.pretrained.read_safetensors import read_safetensors

_SIZES = {
    "vocabulary_size": "vocab_size",
    "max_length": "max_position_embeddings",
    "dim": "hidden_size",
    "num_layers": "num_hidden_layers",
    "num_heads": "num_attention_heads",
    "intermediate_dim": "intermediate_size",
}
_EXPECTED = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "position_embedding_type": "absolute",
}


def read_bert(folder: str | os.PathLike, **kwargs: Any) -> BertTextEncoder:
    """Reads a BERT model in Hugging Face's format as a `BertTextEncoder`.

    The tokenizer of an uncased model is
    `mmkeras.preprocessing.BertTokenizer(f"{folder}/vocab.txt")`.

    Args:
        folder: path of a folder with `config.json` and `model.safetensors`.
        **kwargs: `name`, `trainable` and other arguments of `keras.layers.Layer`.

    Returns:
        A `BertTextEncoder` with the pretrained weights.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if the model is not a BERT encoder, or its weights do not match its
            configuration.
    """
    folder = pathlib.Path(folder)
    encoder = BertTextEncoder(**_read_config(folder / "config.json"), **kwargs)
    encoder.build((None, None))
    _fill(encoder, folder / "model.safetensors")
    return encoder


def _read_config(path: pathlib.Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text("utf-8"))
        arguments = {argument: config[key] for argument, key in _SIZES.items()}
    except (ValueError, KeyError) as error:
        raise ValueError(
            f"{path} is not the configuration of a BERT model: {error}."
        ) from error
    for key, expected in _EXPECTED.items():
        if config.get(key, expected) != expected:
            raise ValueError(
                f"{path} has {key}={config[key]!r}. Only {expected!r} is supported."
            )
    dropout, pad = config.get("hidden_dropout_prob", 0.1), config.get("pad_token_id", 0)
    return {**arguments, "dropout": dropout, "pad_token_id": pad}


def _fill(encoder: BertTextEncoder, path: pathlib.Path) -> None:
    tensors = {_name(key): values for key, values in read_safetensors(path).items()}
    try:
        encoder.embedding.set_weights([tensors["embeddings.word_embeddings.weight"]])
        positions = tensors["embeddings.position_embeddings.weight"]
        # All tokens of a single text belong to the first segment.
        segment = tensors["embeddings.token_type_embeddings.weight"][0]
        encoder.position_embedding.assign(positions + segment)
        encoder.norm.set_weights(_norm(tensors, "embeddings.LayerNorm"))
        for i, block in enumerate(encoder.blocks):
            for part, values in _block(tensors, f"encoder.layer.{i}").items():
                getattr(block, part).set_weights(values)
    except KeyError as error:
        raise ValueError(
            f"{path} lacks the tensor {error}. Download it again."
        ) from error
    except ValueError as error:
        raise ValueError(f"{path} does not match its config.json: {error}") from error


def _name(key: str) -> str:
    """The name of a tensor in recent files, without the prefix of larger models."""
    key = key.removeprefix("bert.")
    return key.replace("Norm.gamma", "Norm.weight").replace("Norm.beta", "Norm.bias")


def _block(tensors: dict[str, np.ndarray], name: str) -> dict[str, list[np.ndarray]]:
    parts = ("query", "key", "value")
    qkv = [_dense(tensors, f"{name}.attention.self.{part}") for part in parts]
    kernels, biases = zip(*qkv, strict=True)
    return {
        "self_qkv": [np.concatenate(kernels, axis=1), np.concatenate(biases)],
        "self_output": _dense(tensors, f"{name}.attention.output.dense"),
        "self_norm": _norm(tensors, f"{name}.attention.output.LayerNorm"),
        "feed_in": _dense(tensors, f"{name}.intermediate.dense"),
        "feed_out": _dense(tensors, f"{name}.output.dense"),
        "feed_norm": _norm(tensors, f"{name}.output.LayerNorm"),
    }


def _dense(tensors: dict[str, np.ndarray], name: str) -> list[np.ndarray]:
    # [out, in] to [in, out]
    return [tensors[f"{name}.weight"].T, tensors[f"{name}.bias"]]


def _norm(tensors: dict[str, np.ndarray], name: str) -> list[np.ndarray]:
    return [tensors[f"{name}.weight"], tensors[f"{name}.bias"]]
