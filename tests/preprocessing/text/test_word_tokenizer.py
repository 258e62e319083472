import json

import numpy as np
import pytest
import tf_keras

from mmkeras.preprocessing import WordTokenizer, pack_tokens

TEXTS = ["What's on the beach?", "A dog, a DOG - and e-mail [x]\\^!", "été 图", "dog"]
NEW = [*TEXTS, "the unknown dog's beach", "", "?!", "a\tdog\nand\n\nx"]


def vocabulary(tokenizer):
    """The words of a Keras 2 tokenizer, from its JSON."""
    config = json.loads(tokenizer.to_json())["config"]
    words = json.loads(config["index_word"])
    return ["[PAD]", *(words[key] for key in sorted(words, key=int))]


@pytest.mark.parametrize("oov_token", [None, "<OOV>"])
def test_ids_equal_the_tokenizer_of_keras_2(oov_token):
    old = tf_keras.preprocessing.text.Tokenizer(oov_token=oov_token)
    old.fit_on_texts(TEXTS)
    new = WordTokenizer(vocabulary(old), oov_token=oov_token)
    assert new(NEW).to_list() == old.texts_to_sequences(NEW)
    assert new.vocabulary_size() == len(old.word_index) + 1
    padded = tf_keras.utils.pad_sequences(
        old.texts_to_sequences(NEW), 4, padding="post"
    )
    short = [row for row in range(len(NEW)) if len(NEW[row].split()) <= 4]
    np.testing.assert_array_equal(
        np.asarray(pack_tokens(new, NEW, 4))[short], padded[short]
    )


def test_ids_equal_text_vectorization():
    old = tf_keras.layers.TextVectorization(ragged=True)
    old.adapt(TEXTS)
    new = WordTokenizer(
        old.get_vocabulary(),
        punctuation="!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'",
        separator="",
    )
    assert new(NEW).to_list() == old(NEW).to_list()


@pytest.mark.parametrize("oov_token", [None, "[UNK]"])
def test_config_and_assets(oov_token, tmp_path):
    tokenizer = WordTokenizer(["", "[UNK]", "dog", "x"], oov_token, separator="")
    again = WordTokenizer.from_config(tokenizer.get_config())
    tokenizer.save_assets(str(tmp_path))
    again.load_assets(str(tmp_path))
    # "dog" three times and "x" once; the last text is a single word, "adogandx".
    known = [number for row in again(NEW).to_list() for number in row if number > 1]
    assert sorted(known) == [2, 2, 2, 3]
    assert again(NEW).to_list() == tokenizer(NEW).to_list()
    assert again.get_vocabulary() == tokenizer.get_vocabulary()
    assert again.get_config() == tokenizer.get_config()


def test_scalar():
    assert WordTokenizer(["", "[UNK]", "dog"])("the dog").numpy().tolist() == [1, 2]


def test_invalid_vocabulary():
    with pytest.raises(ValueError, match=r"repeated or empty words: \['dog'\]"):
        WordTokenizer(["[PAD]", "[UNK]", "dog", "dog"])
    with pytest.raises(ValueError, match=r"repeated or empty words: \[''\]"):
        WordTokenizer(["[PAD]", "[UNK]", ""])
