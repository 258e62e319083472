import json
import pathlib
import shutil

import keras
import numpy as np
import pytest
import safetensors.numpy

from mmkeras.layers import BertTextEncoder
from mmkeras.pretrained import read_bert
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


def test_tensor_names_of_older_files(tmp_path):
    new = read_bert(folder(tmp_path))
    path = tmp_path / "model.safetensors"
    older = {}
    for name, values in safetensors.numpy.load_file(path).items():
        name = name.replace("LayerNorm.weight", "LayerNorm.gamma")
        older["bert." + name.replace("LayerNorm.bias", "LayerNorm.beta")] = values
    safetensors.numpy.save_file(older, path)
    for one, other in zip(new.weights, read_bert(tmp_path).weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "roberta"}, "model_type='roberta'. Only 'bert' is supported"),
        ({"hidden_act": "relu"}, "hidden_act='relu'. Only 'gelu' is supported"),
        ({"num_hidden_layers": 3}, "lacks the tensor 'encoder.layer.2.attention"),
        ({"vocab_size": 11}, "does not match its config.json"),
    ],
)
def test_unsupported_models(changes, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_bert(folder(tmp_path, **changes))


def test_broken_config(tmp_path):
    path = folder(tmp_path) / "config.json"
    path.write_text("{", "utf-8")
    with pytest.raises(
        ValueError, match="config.json is not the configuration of a BERT"
    ):
        read_bert(tmp_path)
    path.write_text('{"vocab_size": 10}', "utf-8")
    with pytest.raises(ValueError, match="config.json .* 'max_position_embeddings'"):
        read_bert(tmp_path)
