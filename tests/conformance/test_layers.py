"""The same tests for every layer: add new layers to `LAYERS`."""

import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf

from mmkeras.keras2.convert_layer import InferenceBatchNormalization
from mmkeras.layers import (
    AnswerWriter,
    AttentionBlock,
    BertTextEncoder,
    GridAttentionBias,
    GridPositionEmbedding,
    ImageEncoder,
    KerasHubTextEncoder,
    ModelTextEncoder,
    QuestionAnswerer,
    RecurrentTextEncoder,
    RegionEncoder,
    TextDecoder,
    TransformerTextEncoder,
    WordAttentionBias,
    fusion,
)
from mmkeras.models import small_cnn
from tests.conformance.litert import litert_rows

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def tokens(*shape):
    return RNG.integers(4, 20, size=shape).astype("int32")


def padded_tokens():
    """Texts of 5, 3, 0 and 1 tokens."""
    lengths = np.array([[5], [3], [0], [1]])
    return np.where(np.arange(5) < lengths, tokens(4, 5), 0).astype("int32")


def tiny_bert():
    return keras_hub.models.BertBackbone(20, 1, 2, 16, 32, max_sequence_length=8)


def tiny_recurrent(dtype=None):
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(20, 16, mask_zero=True, dtype=dtype)(ids)
    x = keras.layers.GRU(16, return_sequences=True, use_cudnn=False, dtype=dtype)(x)
    return keras.Model(ids, x)


# name: how to make the layer, and its inputs for a batch of 4
LAYERS = {
    "attention_block": (
        lambda **kw: AttentionBlock(2, 32, **kw),
        [normal(4, 6, 16)],
    ),
    "attention_block_causal_cross": (
        lambda **kw: AttentionBlock(2, 32, causal=True, cross_attention=True, **kw),
        [normal(4, 6, 16), normal(4, 5, 16)],
    ),
    "attention_block_grid": (
        lambda **kw: AttentionBlock(2, 32, grid=(2, 3), **kw),
        [normal(4, 6, 16)],
    ),
    "attention_block_words": (
        lambda **kw: AttentionBlock(
            2,
            32,
            cross_attention=True,
            word_attention=True,
            word_context=True,
            memory_grid=(1, 5),
            **kw,
        ),  # fmt: skip
        [normal(4, 6, 16), normal(4, 5, 16), normal(4, 6, 5)],
    ),
    "attention_block_post_norm": (
        lambda **kw: AttentionBlock(
            2,
            32,
            0.1,
            cross_attention=True,
            norm="post",
            activation="quick_gelu",
            use_bias=False,
            **kw,
        ),
        [normal(4, 6, 16), normal(4, 5, 24)],
    ),
    "bert_text_encoder": (
        lambda **kw: BertTextEncoder(20, 8, 16, 2, 2, 32, **kw),
        [padded_tokens()],
    ),
    "grid_attention_bias": (
        lambda **kw: GridAttentionBias(2, 3, **kw),
        [normal(4, 2, 6, 6)],
    ),
    "grid_position_embedding": (
        lambda **kw: GridPositionEmbedding(2, 3, **kw),
        [normal(4, 6, 16)],
    ),
    "image_encoder": (
        lambda **kw: ImageEncoder(small_cnn(32, 8), **kw),
        [normal(4, 32, 32, 3)],
    ),
    "inference_batch_normalization": (
        lambda **kw: InferenceBatchNormalization(**kw),
        [normal(4, 6, 16)],
    ),
    "keras_hub_text_encoder": (
        lambda **kw: KerasHubTextEncoder(tiny_bert(), trainable=True, **kw),
        [padded_tokens()],
    ),
    "model_text_encoder": (
        lambda **kw: ModelTextEncoder(tiny_recurrent(**kw), trainable=True, **kw),
        [padded_tokens()],
    ),
    "recurrent_text_encoder_gru": (
        lambda **kw: RecurrentTextEncoder(20, 16, **kw),
        [padded_tokens()],
    ),
    "recurrent_text_encoder_lstm": (
        lambda **kw: RecurrentTextEncoder(20, 16, "lstm", True, 2, 0.1, **kw),
        [padded_tokens()],
    ),
    "region_encoder": (
        lambda **kw: RegionEncoder(2, 3, 16, 2, 2, 32, **kw),
        [normal(4, 6, 24)],
    ),
    "region_encoder_of_frozen_features": (
        lambda **kw: RegionEncoder(
            2, 3, 16, 1, 2, 32, feature_dropout=0.2, power_normalization=True, **kw
        ),
        [np.abs(normal(4, 6, 24))],
    ),
    "question_answerer": (
        lambda **kw: QuestionAnswerer(
            RecurrentTextEncoder(20, 16, name="text", **kw),
            fusion.get("gated", dim=16, name="fusion", **kw),
            5,
            modality_dropout={"image": 0.1, "text": 0.1},
            **kw,
        ),
        [normal(4, 6, 16), tokens(4, 3, 5)],
    ),
    "answer_writer": (
        lambda **kw: AnswerWriter(
            TextDecoder(
                20,
                8,
                16,
                1,
                2,
                32,
                word_attention=False,
                word_presence=False,
                name="text",
                **kw,
            ),
            **kw,
        ),
        [tokens(4, 3, 8), normal(4, 3, 16)],
    ),
    "text_decoder": (
        lambda **kw: TextDecoder(20, 8, 16, 2, 2, 32, word_presence=False, **kw),
        [tokens(4, 8), normal(4, 6, 16)],
    ),
    "text_decoder_several_texts": (
        lambda **kw: TextDecoder(
            20, 8, 16, 2, 2, 32, memory_grid=(2, 3), word_presence=False, **kw
        ),
        [tokens(4, 3, 8), normal(4, 6, 16)],
    ),
    "transformer_text_encoder": (
        lambda **kw: TransformerTextEncoder(20, 8, 16, 2, 2, 32, **kw),
        [padded_tokens()],
    ),
    "word_attention_bias": (
        lambda **kw: WordAttentionBias(2, grid=(2, 3), **kw),
        [normal(4, 1, 5, 6)],
    ),
}


@pytest.fixture(params=LAYERS)
def case(request):
    keras.utils.set_random_seed(0)
    return LAYERS[request.param]


def as_model(layer, inputs):
    symbols = [
        keras.Input(x.shape[1:], dtype="int32" if x.dtype == np.int32 else "float32")
        for x in inputs
    ]
    return keras.Model(symbols, layer(*symbols))


def test_config_round_trip(case):
    make, inputs = case
    layer = make()
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    layer(*inputs)
    again(*inputs)
    shapes = [[tuple(w.shape) for w in made.weights] for made in (layer, again)]
    assert shapes[0] == shapes[1]


def test_output_shape_is_as_computed(case):
    make, inputs = case
    layer = make()
    computed = layer.compute_output_shape(*[x.shape for x in inputs])
    assert tuple(layer(*inputs).shape) == tuple(computed)


def test_save_and_load(case, tmp_path):
    make, inputs = case
    model = as_model(make(), inputs)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(inputs), model.predict(inputs))


def test_fit_lowers_the_loss(case):
    make, inputs = case
    model = as_model(make(), inputs)
    target = normal(*model.output_shape[1:]) + np.zeros(
        (4, *[1] * (len(model.output_shape) - 1)), "float32"
    )
    model.compile(keras.optimizers.Adam(0.01), "mse")
    losses = model.fit(inputs, target, epochs=10, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_mixed_precision(case):
    make, inputs = case
    layer = make(dtype="mixed_bfloat16")
    output = layer(*inputs)
    assert np.all(np.isfinite(np.asarray(output, "float32")))
    assert all(w.dtype == "float32" for w in layer.trainable_weights)


def test_mirrored_strategy(case):
    make, inputs = case
    strategy = tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], tf.distribute.ReductionToOneDevice()
    )
    with strategy.scope():
        model = as_model(make(), inputs)
        model.compile(keras.optimizers.Adam(0.01), "mse")
    target = np.zeros((4, *model.output_shape[1:]), "float32")
    losses = model.fit(inputs, target, epochs=2, verbose=0).history["loss"]
    assert np.all(np.isfinite(losses))


def test_saved_model(case, tmp_path):
    make, inputs = case
    model = as_model(make(), inputs)
    model.export(tmp_path / "saved", verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    served = loaded.serve(inputs)
    expected = model(inputs, training=False)
    np.testing.assert_allclose(served, expected, atol=1e-5)


def test_litert(case):
    make, inputs = case
    model = as_model(make(), inputs)
    expected = model(inputs, training=False)
    np.testing.assert_allclose(litert_rows(model, inputs), expected, atol=1e-4)
