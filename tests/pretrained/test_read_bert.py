import json
import pathlib
import shutil

import keras
import numpy as np
import pytest

from mmkeras.layers import BertTextEncoder
from mmkeras.pretrained import read_bert
from mmkeras.pretrained.read_safetensors import read_safetensors
from tests.layers.text_encoder_checks import check_padding

FIXTURES = pathlib.Path(__file__).parent.parent / "fixtures"
WEIGHTS = FIXTURES / "bert_tiny.safetensors"
CONFIG = {
    "model_type": "bert",
    "vocab_size": 10,
    "max_position_embeddings": 6,
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "pad_token_id": 0,
}


def folder(path, **changes):
    (path / "config.json").write_text(json.dumps(CONFIG | changes), "utf-8")
    shutil.copy(WEIGHTS, path / "model.safetensors")
    return path


def test_equals_the_reference(tmp_path):
    tiny = json.loads((FIXTURES / "minilm.json").read_text("utf-8"))["tiny"]
    token_ids = np.array(tiny["token_ids"])
    encoder = read_bert(folder(tmp_path))
    present = np.expand_dims(token_ids != 0, -1)
    np.testing.assert_allclose(
        encoder(token_ids), np.array(tiny["hidden"]) * present, atol=1e-5
    )


def test_padding_changes_nothing():
    keras.utils.set_random_seed(0)
    encoder = BertTextEncoder(9, 8, 8, 2, 2, 16, pad_token_id=1)
    encoder.build((None, 5))
    check_padding(encoder, encoder.embedding.embeddings)


def test_sentence_embedding_by_hand():
    encoder = BertTextEncoder(9, 8, 8, 1, 2, 16)
    ids = np.array([[5, 6, 7, 0], [0, 0, 0, 0]])
    tokens = np.asarray(encoder(ids))[0, :3]
    mean = tokens.mean(0)
    embedding = np.asarray(encoder.sentence_embedding(ids))
    np.testing.assert_allclose(embedding[0], mean / np.linalg.norm(mean), atol=1e-6)
    assert not np.any(embedding[1])


def test_names_of_older_files(tmp_path):
    new = read_bert(folder(tmp_path))
    data = (tmp_path / "model.safetensors").read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__")
    older = (
        ("LayerNorm.weight", "LayerNorm.gamma"),
        ("LayerNorm.bias", "LayerNorm.beta"),
    )
    for name in list(header):
        old = f"bert.{name}"
        for one, other in older:
            old = old.replace(one, other)
        header[old] = header.pop(name)
    (tmp_path / "model.safetensors").write_bytes(safetensors(header, data[start:]))
    for one, other in zip(new.weights, read_bert(tmp_path).weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "roberta"}, "model_type='roberta', where only 'bert'"),
        ({"hidden_act": "relu"}, "hidden_act='relu', where only 'gelu'"),
        ({"num_hidden_layers": 3}, "has no tensor 'encoder.layer.2.attention"),
        ({"vocab_size": 11}, "does not fit its config.json"),
    ],
)
def test_another_model(changes, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_bert(folder(tmp_path, **changes))


def test_broken_config(tmp_path):
    path = folder(tmp_path) / "config.json"
    path.write_text("{", "utf-8")
    with pytest.raises(ValueError, match="config.json is no configuration of a BERT"):
        read_bert(tmp_path)
    path.write_text('{"vocab_size": 10}', "utf-8")
    with pytest.raises(ValueError, match="config.json .* 'max_position_embeddings'"):
        read_bert(tmp_path)


def safetensors(header, body=b""):
    header = json.dumps(header).encode()
    return len(header).to_bytes(8, "little") + header + body


def test_safetensors_by_hand(tmp_path):
    header = {
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "F32", "shape": [1, 2], "data_offsets": [4, 12]},
        "b": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]},
        "c": {"dtype": "I64", "shape": [], "data_offsets": [12, 20]},
    }
    # The upper halves of 1.0 = 0x3F800000 and -2.0 = 0xC0000000.
    body = b"\x80\x3f\x00\xc0" + np.float32([1.5, -3]).tobytes()
    path = tmp_path / "model.safetensors"
    path.write_bytes(safetensors(header, body + np.int64(7).tobytes()))
    tensors = read_safetensors(path)
    assert list(tensors) == ["a", "b", "c"]
    np.testing.assert_array_equal(tensors["a"], [[1.5, -3]])
    np.testing.assert_array_equal(tensors["b"], [1, -2])
    assert tensors["c"] == 7 and tensors["c"].shape == ()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not a safetensors file"),
        (b"version https://git-lfs.github.com/spec/v1", "is not a safetensors file"),
        (safetensors([]), "is not a safetensors file"),
        (
            safetensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}),
            "truncated: it ends within 'a'",
        ),
        (
            safetensors({"a": {"dtype": "F8", "shape": [0], "data_offsets": [0, 0]}}),
            "'a' in .* is of F8",
        ),
    ],
)
def test_broken_safetensors(data, message, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message):
        read_safetensors(path)
