import random

import keras
import numpy as np
import pytest
import tensorflow as tf

from mmkeras.preprocessing import WordPieceTokenizer

SPECIAL = ["[PAD]", "[UNK]", "[START]", "[END]"]
ENGLISH = [
    "a cat and the dog's ball.",
    "two cats next to a t-shirt (red), on a blue background!",
    'he said "hello there" at 10:30, 3.5 m away.',
    "don't; why? it's 50% off: $20 [today]",
    'the sign says "stop", not "go".',
]
CHINESE = [
    "一只猫，在沙发旁边。",
    "三只“红色”的狗！还有两个苹果；背景是白色。",
    "（图中）有什么？《书》、笔……",
    "猫——黑色的。",
    "ひらがなと漢字。",
]


def test_special_tokens_have_fixed_ids():
    tokenizer = WordPieceTokenizer([*SPECIAL, "a"])
    ids = [
        tokenizer.pad_token_id,
        tokenizer.unk_token_id,
        tokenizer.start_token_id,
        tokenizer.end_token_id,
    ]
    assert ids == [0, 1, 2, 3]
    assert tokenizer.vocabulary_size() == 5


def test_ids_by_hand():
    tokenizer = WordPieceTokenizer([*SPECIAL, "un", "##do", "##able", ".", "猫"])
    ids = tokenizer(["Undoable.", "猫猫 x", ""])
    assert ids.dtype == tf.int32
    # un ##do ##able . | 猫 猫 and x, which is not in the vocabulary | empty
    assert ids.to_list() == [[4, 5, 6, 7], [8, 8, 1], []]


def test_scalar_and_fixed_length():
    vocabulary = [*SPECIAL, "a", "b"]
    assert WordPieceTokenizer(vocabulary)("a b").numpy().tolist() == [4, 5]
    dense = WordPieceTokenizer(vocabulary, sequence_length=3)
    assert dense(["a", "b a b a"]).numpy().tolist() == [[4, 0, 0], [5, 4, 5]]


def test_special_tokens_in_the_text_are_text():
    tokenizer = WordPieceTokenizer.learn(["[end] [PAD] [START]"], 60)
    ids = tokenizer("[END] [PAD] [START]").numpy()
    assert not {0, 2, 3} & set(ids.tolist())


def test_lowercase():
    tokenizer = WordPieceTokenizer.learn(["ÀB，c！"], 60)
    assert tokenizer.detokenize(tokenizer("ÀB，c！")).numpy().decode() == "àb，c！"
    kept = WordPieceTokenizer.learn(["A cat"], 60, lowercase=False)
    assert kept.detokenize(kept("A cat")).numpy() == b"A cat"


@pytest.mark.parametrize("text", ENGLISH + CHINESE)
def test_detokenize_restores_the_text(text):
    tokenizer = WordPieceTokenizer.learn(ENGLISH + CHINESE, 500)
    assert tokenizer.detokenize(tokenizer([text])).numpy()[0].decode() == text


def test_new_word_of_known_characters():
    tokenizer = WordPieceTokenizer.learn(["cat dog", "tacgod"], 100)
    ids = tokenizer("dogcat")
    assert tokenizer.unk_token_id not in ids.numpy()
    assert tokenizer.detokenize(ids).numpy() == b"dogcat"


def test_detokenize_stops_at_end_and_drops_special_tokens():
    tokenizer = WordPieceTokenizer([*SPECIAL, "a", "##b", "c"])
    ids = [[2, 4, 5, 1, 6, 3, 6], [0, 4, 6, 6, 0, 0, 0], [3, 4, 4, 4, 4, 4, 4]]
    texts = tokenizer.detokenize(tf.constant(ids, tf.int32))
    # [START] a ##b [UNK] c [END] c | [PAD] a c c | [END] at once
    assert texts.numpy().tolist() == [b"ab c", b"a c c", b""]


@pytest.mark.parametrize("shape", [(0, 4), (3, 0), (2, 3, 4), (4,)])
def test_detokenize_keeps_leading_shape(shape):
    tokenizer = WordPieceTokenizer([*SPECIAL, "a"])
    texts = tokenizer.detokenize(np.full(shape, 4, np.int32))
    assert texts.shape == shape[:-1]
    assert all(text == b" ".join([b"a"] * shape[-1]) for text in np.ravel(texts))


def test_leading_continuation():
    tokenizer = WordPieceTokenizer([*SPECIAL, "##b"])
    assert tokenizer.detokenize([4, 4]).numpy() == b"bb"


def test_spacing_rules():
    pieces = ["cat", ",", "(", ")", "'", "s", "猫", "。", '"', "3", ".", "5", "-"]
    tokenizer = WordPieceTokenizer([*SPECIAL, *pieces])
    ids = {piece: i for i, piece in enumerate(pieces, 4)}

    def write(*tokens):
        return tokenizer.detokenize([ids[t] for t in tokens]).numpy().decode()

    assert write("cat", ",", "cat") == "cat, cat"
    assert write("cat", "(", "cat", ")", "cat") == "cat (cat) cat"
    assert write("cat", "'", "s", "cat") == "cat's cat"
    assert write("cat", "'", "cat") == "cat' cat"
    assert write("猫", "猫", "。", "猫") == "猫猫。猫"
    assert write("猫", "cat", "猫") == "猫 cat 猫"
    assert write("cat", "。", "cat") == "cat。cat"
    assert write('"', "cat", '"', "cat", '"', "cat", '"') == '"cat" cat "cat"'
    assert write("3", ".", "5", "cat", ".", "5") == "3.5 cat. 5"
    assert write("cat", "-", "cat") == "cat-cat"


def test_learning_is_deterministic_in_any_order():
    texts = ENGLISH + CHINESE
    vocabulary = WordPieceTokenizer.learn(texts, 120).get_vocabulary()
    shuffled = random.Random(0).sample(texts, len(texts))
    dataset = tf.data.Dataset.from_tensor_slices(shuffled)
    assert WordPieceTokenizer.learn(shuffled, 120).get_vocabulary() == vocabulary
    assert WordPieceTokenizer.learn(dataset, 120).get_vocabulary() == vocabulary
    ragged = dataset.batch(3).map(lambda t: tf.RaggedTensor.from_tensor(t[:, None]))
    assert WordPieceTokenizer.learn(ragged, 120).get_vocabulary() == vocabulary
    assert len(vocabulary) <= 120


def test_chinese_vocabulary_has_no_continuing_characters():
    vocabulary = WordPieceTokenizer.learn(CHINESE[:4], 500).get_vocabulary()
    assert "猫" in vocabulary
    assert not [piece for piece in vocabulary if piece.startswith("##")]


def test_more_than_a_thousand_characters():
    text = "".join(chr(0x4E00 + i) for i in range(1500))
    tokenizer = WordPieceTokenizer.learn([text], 2000)
    assert tokenizer.vocabulary_size() == 1504
    assert tokenizer.detokenize(tokenizer(text)).numpy().decode() == text


def test_frequent_words_are_single_tokens():
    tokenizer = WordPieceTokenizer.learn(["a small cat sleeps"] * 3, 200)
    assert tokenizer("a small cat sleeps").shape == (4,)


def test_too_small_vocabulary_keeps_the_frequent():
    with pytest.warns(UserWarning, match=r"1 of 4 words .*'狗'.*vocabulary_size"):
        tokenizer = WordPieceTokenizer.learn(["猫猫猫狗"], 5)
    assert tokenizer.get_vocabulary() == [*SPECIAL, "猫"]


@pytest.mark.parametrize(
    ("texts", "size", "message"),
    [
        ([], 100, "no words"),
        (["", "  \n"], 100, "no words"),
        (["a"], 4, "vocabulary_size` must be an integer of at least 5"),
        (["abcdef"], 6, "Every word"),
        ("one text", 100, "one string"),
        (["a", 3], 100, "strings only"),
        (tf.data.Dataset.range(3), 100, "dataset of strings"),
    ],
)
def test_invalid_texts(texts, size, message):
    with pytest.raises(ValueError, match=message):
        WordPieceTokenizer.learn(texts, size)


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        (["[UNK]", "[PAD]", "[START]", "[END]", "a"], "must start with"),
        ([*SPECIAL, "a", "a"], "every piece once"),
        ([*SPECIAL, ""], "empty"),
        (["a"], "oov_token"),
    ],
)
def test_invalid_vocabulary(vocabulary, message):
    with pytest.raises(ValueError, match=message):
        WordPieceTokenizer(vocabulary)


def test_truncated_vocabulary_file(tmp_path):
    tokenizer = WordPieceTokenizer.learn(ENGLISH, 200)
    tokenizer.save_assets(str(tmp_path))
    copy = WordPieceTokenizer.from_config(tokenizer.get_config())
    copy.load_assets(str(tmp_path))
    assert copy.get_vocabulary() == tokenizer.get_vocabulary()
    path = tmp_path / "vocabulary.txt"
    lines = path.read_text("utf-8").splitlines()
    for kept, message in ((len(lines) - 3, "truncated"), (0, "oov_token")):
        path.write_text("\n".join(lines[:kept]), "utf-8")
        copy = WordPieceTokenizer.from_config(tokenizer.get_config())
        with pytest.raises(ValueError, match=rf"vocabulary\.txt.*{message}"):
            copy.load_assets(str(tmp_path))


def test_in_dataset():
    tokenizer = WordPieceTokenizer.learn(ENGLISH, 200)
    dataset = tf.data.Dataset.from_tensor_slices(ENGLISH).batch(2).map(tokenizer)
    rows = [row for batch in dataset for row in batch.to_list()]
    assert rows == tokenizer(ENGLISH).to_list()


def test_detokenize_in_saved_model_uses_no_tensorflow_text(tmp_path):
    tokenizer = WordPieceTokenizer.learn(ENGLISH + CHINESE, 500)
    archive = keras.export.ExportArchive()
    archive.track(tokenizer)
    archive.add_endpoint(
        "serving_default",
        lambda token_ids: {"text": tokenizer.detokenize(token_ids)},
        input_signature=[tf.TensorSpec([None, None], tf.int32, name="token_ids")],
    )
    archive.write_out(str(tmp_path / "1"), verbose=False)
    ids = tokenizer(ENGLISH + CHINESE).to_tensor()
    served = tf.saved_model.load(str(tmp_path / "1")).signatures["serving_default"]
    texts = [t.decode() for t in served(token_ids=ids)["text"].numpy()]
    assert texts == ENGLISH + CHINESE
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(tmp_path / "1"))
        signature = meta.signature_def["serving_default"]
        texts = session.run(
            signature.outputs["text"].name,
            {signature.inputs["token_ids"].name: ids.numpy()},
        )
        functions = session.graph.as_graph_def().library.function
        used = {node.op for function in functions for node in function.node_def}
    assert [t.decode() for t in texts] == ENGLISH + CHINESE
    assert not [op for op in used if op.startswith(("TFText>", "WordpieceTokenize"))]
