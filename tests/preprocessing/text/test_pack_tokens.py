import time

import keras
import keras_hub
import pytest
import tensorflow as tf

from mmkeras.preprocessing import WordPieceTokenizer, pack_tokens

TEXTS = ["cat 猫", "", " \t\u3000\u200b\u00a0\n", "cat cat cat cat"]


def ours(**kwargs):
    pieces = ["[PAD]", "[UNK]", "[START]", "[END]", "cat", "猫"]
    return WordPieceTokenizer(pieces, **kwargs)


def bert():
    pieces = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]", "cat", "猫"]
    return keras_hub.models.BertTokenizer(pieces, lowercase=True)


def roberta():
    special = ["<s>", "<pad>", "</s>", "<mask>"]
    pieces = [*special, "c", "a", "t", "Ġ", "ca", "cat"]
    ids = {piece: i for i, piece in enumerate(pieces)}
    return keras_hub.models.RobertaTokenizer(ids, merges=["c a", "ca t"])


# Tokens are between the start and end tokens; the last text is truncated.
@pytest.mark.parametrize(
    ("make", "texts", "rows"),
    [
        (ours, TEXTS, [[2, 4, 5, 3, 0], [0] * 5, [0] * 5, [2, 4, 4, 4, 3]]),
        (bert, TEXTS, [[1, 5, 6, 2, 3], [3] * 5, [3] * 5, [1, 5, 5, 5, 2]]),
        (
            roberta,
            ["cat", *TEXTS[1:]],
            [[0, 9, 2, 1, 1], [1] * 5, [1] * 5, [0, 9, 7, 9, 2]],
        ),
    ],
)
def test_ids_by_hand(make, texts, rows):
    tokenizer = make()
    ids = pack_tokens(tokenizer, texts, 5)
    assert ids.dtype == tf.int32
    assert ids.numpy().tolist() == rows
    dataset = tf.data.Dataset.from_tensor_slices(texts).batch(4)
    packed = dataset.map(lambda texts: pack_tokens(tokenizer, texts, 5))
    assert packed.element_spec.shape[1] == 5
    assert next(iter(packed)).numpy().tolist() == rows


def test_no_rows():
    assert pack_tokens(ours(), tf.zeros([0], tf.string), 5).shape == (0, 5)


def test_tokenizer_with_sequence_length():
    ids = pack_tokens(ours(sequence_length=3), TEXTS, 5)
    assert ids.numpy().tolist() == pack_tokens(ours(), TEXTS, 5).numpy().tolist()


def test_tokenizer_without_start_and_end():
    tokenizer = keras_hub.tokenizers.UnicodeCodepointTokenizer(vocabulary_size=128)
    tokenizer.pad_token_id = 0
    assert pack_tokens(tokenizer, ["ab", ""], 3).numpy().tolist() == [
        [97, 98, 0],
        [0, 0, 0],
    ]


# "cat" 10,000 times is one word: unknown to BERT, and minutes of work for RoBERTa
# without truncation.
@pytest.mark.parametrize(
    ("make", "text", "row"),
    [
        (ours, "cat ", [2, 4, 4, 3]),
        (bert, "cat", [1, 0, 2, 3]),
        (roberta, "cat", [0, 9, 9, 2]),
    ],
)
def test_very_long_text(make, text, row):
    tokenizer = make()
    pack = tf.function(lambda texts: pack_tokens(tokenizer, texts, 4))
    start = time.time()
    ids = pack(tf.constant([text * 10_000]))
    assert time.time() - start < 40
    assert ids.numpy().tolist() == [row]


def test_invalid_utf8():
    ids = pack_tokens(ours(), [b"cat \xff\xfe", b"cat"], 5).numpy()
    assert ids[0, :3].tolist() == [2, 4, 1]
    assert ids[1].tolist() == [2, 4, 3, 0, 0]


def test_in_saved_model(tmp_path):
    tokenizer = ours()
    archive = keras.export.ExportArchive()
    archive.track(tokenizer)
    archive.add_endpoint(
        "serving_default",
        lambda texts: {"ids": pack_tokens(tokenizer, texts, 5)},
        input_signature=[tf.TensorSpec([None], tf.string, name="texts")],
    )
    archive.write_out(str(tmp_path / "1"), verbose=False)
    served = tf.saved_model.load(str(tmp_path / "1")).signatures["serving_default"]
    ids = served(texts=tf.constant(TEXTS))["ids"]
    assert ids.numpy().tolist() == pack_tokens(tokenizer, TEXTS, 5).numpy().tolist()


def test_errors():
    with pytest.raises(ValueError, match="integer of at least 3. Received: length=2"):
        pack_tokens(ours(), TEXTS, 2)
    tokenizer = keras_hub.tokenizers.ByteTokenizer()
    with pytest.raises(ValueError, match="ByteTokenizer has no `pad_token_id`"):
        pack_tokens(tokenizer, TEXTS, 5)
