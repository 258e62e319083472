import keras
import numpy as np
import pytest

from mmkeras.keras2 import load_tf_keras
from mmkeras.layers import ModelTextEncoder
from tests.keras2 import old_models
from tests.layers.text_encoder_checks import check_padding

TOKENS = np.array([[3, 4, 5], [8, 0, 0]])


def recurrent(length=None, mask_zero=True):
    ids = keras.Input((length,), dtype="int32")
    x = keras.layers.Embedding(20, 8, mask_zero=mask_zero)(ids)
    x = keras.layers.GRU(6, return_sequences=True, use_cudnn=False)(x)
    return keras.Model(ids, x)


def test_padding_changes_nothing():
    encoder = ModelTextEncoder(recurrent())
    encoder.build((None, None))
    table = encoder.model.layers[1].embeddings
    check_padding(encoder, table)
    assert encoder.dim == 6 and encoder.vocabulary_size == 20


def test_shorter_texts_are_padded_to_a_fixed_length():
    encoder = ModelTextEncoder(recurrent(5))
    assert encoder.max_length == 5
    padded = np.pad(TOKENS, [(0, 0), (0, 2)])
    np.testing.assert_allclose(
        encoder(TOKENS), encoder.model(padded)[:, :3] * (TOKENS > 0)[..., None]
    )
    with pytest.raises(ValueError, match="6 tokens long, but .* at most 5"):
        encoder(np.ones((2, 6), "int32"))


@pytest.mark.parametrize("named", [False, True])
def test_model_with_an_input_for_a_mask(named):
    ids = keras.Input((None,), dtype="int32", name="a")
    mask = keras.Input((None,), dtype="bool", name="b")
    embedding = keras.layers.Embedding(20, 8)
    x = embedding(ids)
    x = keras.layers.MultiHeadAttention(2, 4)(
        x, x, attention_mask=keras.ops.expand_dims(mask, 1)
    )
    inputs = {"a": ids, "b": mask} if named else [mask, ids]
    encoder = ModelTextEncoder(keras.Model(inputs, x))
    check_padding(encoder, embedding.embeddings)


def test_frozen_layers_stay_frozen():
    model = recurrent()
    model.layers[1].trainable = False
    encoder = ModelTextEncoder(model, trainable=True)
    encoder(TOKENS)
    assert len(encoder.trainable_weights) == 3
    again = ModelTextEncoder.from_config(encoder.get_config())
    again(TOKENS)
    assert len(again.trainable_weights) == 3
    frozen = ModelTextEncoder.from_config(ModelTextEncoder(recurrent()).get_config())
    frozen(TOKENS)
    assert not frozen.trainable_weights


def test_model_of_keras_2():
    old = old_models.operations()
    encoder = ModelTextEncoder(load_tf_keras(old))
    mask = (TOKENS > 0).astype("float32")
    np.testing.assert_allclose(encoder(TOKENS), old([TOKENS, mask]), atol=1e-5)


def vector():
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(20, 8)(ids)
    return keras.Model(ids, keras.layers.GlobalAveragePooling1D()(x))


def two_ids():
    ids, kinds = (keras.Input((None,), dtype="int32", name=n) for n in ("id", "kind"))
    embed = keras.layers.Embedding(20, 8)
    return keras.Model([ids, kinds], embed(ids) + embed(kinds))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ModelTextEncoder(vector()), r"output shape \(None, 8\)"),
        (lambda: ModelTextEncoder(two_ids()), r"inputs 'id' .*'kind'"),
        (lambda: ModelTextEncoder(recurrent(), pad_token_id=3), "pad_token_id=3"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
