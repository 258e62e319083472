import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from mmkeras.layers import QuestionAnswerer, RecurrentTextEncoder, TextEncoder
from mmkeras.layers.fusion import FusionBlock, GatedFusion, SingleStreamFusion
from mmkeras.layers.question_answerer import _encode_distinct

NAMES = ("image", "audio", "table")
# Sums of 3, 3 and 15.
SETS = [
    np.array([[[1.0], [2.0]]], "float32"),
    np.array([[[3.0]]], "float32"),
    np.array([[[4.0], [5.0], [6.0]]], "float32"),
]
# Two questions, of sums 15 and 9.
QUESTIONS = np.array([[[7, 8], [9, 0]]], "int32")


class Ids(TextEncoder):
    """The vector of a token is its id."""

    def __init__(self):
        super().__init__(dim=1)

    def encode(self, token_ids, mask, training=None):
        return keras.ops.expand_dims(keras.ops.cast(token_ids, "float32"), -1)


class Digits(FusionBlock):
    """The sum of the tokens of modality k, times 100**k."""

    def __init__(self):
        super().__init__(dim=1)

    def build_parts(self):
        pass

    def fuse(self, tokens, masks, training):
        sums = [keras.ops.sum(x, axis=1) * 100**k for k, x in enumerate(tokens)]
        return sum(sums), {"tokens": tokens}


def answerer(modalities=NAMES, num_answers=None, **kwargs):
    return QuestionAnswerer(
        Ids(), Digits(), num_answers, modalities=modalities, **kwargs
    )


def test_all_sets_are_fused_with_each_question_by_hand():
    # 3 + 3 * 100 + 15 * 10,000 + 15 * 1,000,000, and 9 * 1,000,000
    fused = answerer()(SETS, QUESTIONS)
    np.testing.assert_array_equal(fused, [[[15150303.0], [9150303.0]]])


def test_a_single_tensor_stands_for_a_list_of_one():
    one = answerer(("image",))
    # 3 + 15 * 100
    np.testing.assert_array_equal(one(SETS[0], QUESTIONS), [[[1503], [903]]])
    np.testing.assert_array_equal(one([SETS[0]], QUESTIONS), [[[1503], [903]]])
    absent = one(SETS[0], QUESTIONS, np.array([False]))
    np.testing.assert_array_equal(absent, [[[1500], [900]]])


def test_samples_and_their_questions_belong_together():
    sets = [np.concatenate([x, 2 * x]) for x in SETS]
    masks = [None, np.array([True, False]), np.array([0, 1])]
    questions = np.concatenate([QUESTIONS, np.array([[[1, 0], [2, 0]]])])
    fused = answerer()(sets, questions, masks)
    # Without the third set: 3 + 300; without the second: 6 + 30 * 10,000.
    expected = [[15000303, 9000303], [1300006, 2300006]]
    np.testing.assert_array_equal(fused[..., 0], expected)


@pytest.mark.parametrize("value", [0.0, 1e6, np.nan])
@pytest.mark.parametrize("modality", range(3))
def test_an_absent_set_has_no_influence(modality, value):
    keras.utils.set_random_seed(0)
    model = QuestionAnswerer(
        RecurrentTextEncoder(10, 4), SingleStreamFusion(8), 5, modalities=NAMES
    )
    masks = [np.array([k != modality]) for k in range(3)]
    expected = np.asarray(model(SETS, QUESTIONS, masks))
    assert np.any(expected != np.asarray(model(SETS, QUESTIONS)))
    other = [np.full_like(x, value) if k == modality else x for k, x in enumerate(SETS)]
    np.testing.assert_array_equal(model(other, QUESTIONS, masks), expected)


def test_masked_tokens_by_hand():
    masks = [np.array([[True, False]]), None, np.array([[False, True, True]])]
    fused = answerer()(SETS, QUESTIONS, masks)
    # 1 + 300 + 11 * 10,000
    np.testing.assert_array_equal(fused[..., 0], [[15110301, 9110301]])


def test_head_by_hand():
    model = answerer(("image",), num_answers=2, dropout=0.0)
    model.build(SETS[0].shape, QUESTIONS.shape)
    # The hidden layer of the fused 1503: gelu(0 + 1) and gelu(1503 - 1501).
    model.head_hidden.set_weights([np.array([[0.0, 1.0]]), np.array([1.0, -1501.0])])
    model.head.set_weights([np.array([[1.0, 0.0], [0.0, 10.0]]), np.array([0.5, 0.0])])
    first, second = (x / 2 * (1 + math.erf(x / math.sqrt(2))) for x in (1, 2))
    logits = model(SETS[0], QUESTIONS[:, :1])
    np.testing.assert_allclose(logits, [[[first + 0.5, 10 * second]]], rtol=1e-6)


def test_modality_heads_by_hand():
    model = answerer(num_answers=1, modality_heads=True)
    masks = [None, np.array([False]), np.array([[True, False, True]])]
    model.build([x.shape for x in SETS], QUESTIONS.shape)
    for factor, head in enumerate(model.heads.values(), start=1):
        head.set_weights([np.array([[factor]]), np.array([0.25])])
    logits = model(SETS, QUESTIONS, masks)
    assert list(logits) == ["answer", "image", "audio", "table", "text"]
    # Means of 1.5, of nothing, of 4 and 6, and of 7 and 8 or 9.
    expected = {
        "image": [1.5 + 0.25] * 2,
        "audio": [0.25] * 2,
        "table": [3 * 5 + 0.25] * 2,
        "text": [4 * 7.5 + 0.25, 4 * 9 + 0.25],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(logits[name], [np.expand_dims(values, -1)])


def test_modality_dropout_removes_each_set_independently():
    keras.utils.set_random_seed(0)
    model = answerer(modality_dropout={"audio": 0.75, "text": 0.5})
    many = np.repeat(QUESTIONS[:, :1], 2000, axis=1)
    fused = np.asarray(model(SETS, many, training=True))[0, :, 0].astype(int)
    audio, text = fused // 100 % 100 == 3, fused // 1_000_000 == 15
    # The sets without a rate are always present.
    np.testing.assert_array_equal(fused, 150003 + 300 * audio + 15_000_000 * text)
    # Four times the standard deviation of such a mean, at most 0.011.
    assert audio.mean() == pytest.approx(0.25, abs=0.045)
    assert text.mean() == pytest.approx(0.5, abs=0.045)
    assert (audio & text).mean() == pytest.approx(0.125, abs=0.045)
    assert np.all(model(SETS, many) == 15150303)


def test_details_are_those_of_the_block():
    _, details = answerer()(SETS, QUESTIONS, return_details=True)
    shapes = [x.shape for x in details["tokens"]]
    assert shapes == [(2, 2, 1), (2, 1, 1), (2, 3, 1), (2, 2, 1)]
    np.testing.assert_array_equal(details["tokens"][3][..., 0], [[7, 8], [9, 0]])


def test_a_model_of_three_sets_is_saved(tmp_path):
    keras.utils.set_random_seed(0)
    layer = QuestionAnswerer(
        RecurrentTextEncoder(10, 4),
        GatedFusion(8),
        5,
        modality_heads=True,
        modality_dropout={"table": 0.2},
        modalities=NAMES,
    )
    tokens = [keras.Input(x.shape[1:]) for x in SETS]
    questions = keras.Input((None, 2), dtype="int32")
    present = keras.Input((), dtype="int32")
    outputs = layer(tokens, questions, [None, present, None])
    assert {name: x.shape for name, x in outputs.items()} == dict.fromkeys(
        ("answer", *NAMES, "text"), (None, None, 5)
    )
    model = keras.Model([*tokens, questions, present], outputs)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    inputs = [*SETS, QUESTIONS, np.array([0], "int32")]
    expected, output = model(inputs), again(inputs)
    for name in expected:
        np.testing.assert_array_equal(output[name], expected[name])


@pytest.mark.parametrize(
    "rates", [0.1, ["image"], {"audio": 0.1}, {"text": "0.1"}, {"image": 1.0}]
)
def test_modality_dropout_must_be_a_rate_of_each(rates):
    with pytest.raises(ValueError, match="`modality_dropout` must be a dict") as error:
        answerer(("image",), modality_dropout=rates)
    assert f"modality_dropout={rates!r}" in str(error.value)


@pytest.mark.parametrize(
    "names", ["image", (), ("image", "image"), ("image", "text"), ("answer",), (1,)]
)
def test_modalities_must_have_names(names):
    with pytest.raises(ValueError, match="`modalities` must be distinct names"):
        answerer(names)


def test_other_errors():
    with pytest.raises(ValueError, match="pass `num_answers`"):
        answerer(modality_heads=True)
    with pytest.raises(ValueError, match="`tokens` must be a list of 3.*image, audio"):
        answerer()(SETS[:2], QUESTIONS)
    model = answerer()
    with pytest.raises(ValueError, match="`masks` must be a list of 3"):
        model(SETS, QUESTIONS, np.array([True]))


TEXTS = np.array([[5, 6], [7, 0], [5, 6], [0, 0], [0, 0]], "int32")


def test_equal_texts_are_encoded_once():
    encoded = []

    def encode(distinct):
        encoded.append(distinct.numpy().tolist())
        return 10 * distinct[:, :1]

    output = _encode_distinct(encode, tf.constant(TEXTS))
    assert encoded == [[[5, 6], [7, 0], [0, 0]]]
    np.testing.assert_array_equal(output, [[50], [70], [50], [0], [0]])


def test_gradients_of_equal_texts_add_up():
    weight = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        encoded = _encode_distinct(
            lambda distinct: weight * tf.cast(distinct, "float32"), tf.constant(TEXTS)
        )
        total = tf.reduce_sum(encoded)
    # 5 + 6 + 7 + 5 + 6 = 29
    assert tape.gradient(total, weight) == 29.0


def test_training_has_the_gradients_of_texts_encoded_one_by_one():
    model = QuestionAnswerer(
        RecurrentTextEncoder(vocabulary_size=10, dim=8),
        GatedFusion(dim=8, dropout=0.0),
        num_answers=3,
        dropout=0.0,
    )
    regions = np.random.default_rng(0).normal(size=(1, 4, 8)).astype("float32")

    def gradients(training):
        with tf.GradientTape() as tape:
            logits = model(regions, tf.constant(TEXTS[None]), training=training)
            loss = tf.reduce_sum(logits**2)
        return [logits, *tape.gradient(loss, model.trainable_variables)]

    for once, each in zip(gradients(True), gradients(False), strict=True):
        if isinstance(once, tf.IndexedSlices):
            once, each = tf.convert_to_tensor(once), tf.convert_to_tensor(each)
        np.testing.assert_allclose(once, each, rtol=1e-4, atol=1e-5)


def test_distinct_texts_under_xla():
    keras.utils.set_random_seed(0)
    weights = tf.random.normal((10, 4))
    compiled = tf.function(
        lambda texts: _encode_distinct(lambda ids: tf.gather(weights, ids), texts),
        jit_compile=True,
    )
    np.testing.assert_array_equal(compiled(TEXTS), tf.gather(weights, TEXTS))
