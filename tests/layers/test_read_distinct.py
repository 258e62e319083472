import keras
import numpy as np
import tensorflow as tf

from mmkeras.layers import QuestionAnswerer, RecurrentTextEncoder
from mmkeras.layers.fusion import GatedFusion
from mmkeras.layers.read_distinct import read_distinct

TOKENS = np.array([[5, 6], [7, 0], [5, 6], [0, 0], [0, 0]], "int32")


def test_each_row_has_what_its_text_became():
    read = []

    def count(distinct):
        read.append(distinct.numpy().tolist())
        return 10 * distinct[:, :1]

    found = read_distinct(count, tf.constant(TOKENS))
    assert read == [[[5, 6], [7, 0], [0, 0]]]
    np.testing.assert_array_equal(found, [[50], [70], [50], [0], [0]])


def test_gradients_of_equal_texts_add_up():
    weight = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        read = read_distinct(
            lambda distinct: weight * tf.cast(distinct, "float32"), tf.constant(TOKENS)
        )
        total = tf.reduce_sum(read)
    # 5 + 6 + 7 + 5 + 6 = 29
    assert tape.gradient(total, weight) == 29.0


def test_a_question_answerer_learns_the_same_from_texts_read_once():
    encoder = RecurrentTextEncoder(vocabulary_size=10, dim=8)
    answerer = QuestionAnswerer(
        encoder, GatedFusion(dim=8, dropout=0.0), num_answers=3, dropout=0.0
    )
    regions = np.random.default_rng(0).normal(size=(1, 4, 8)).astype("float32")

    def gradients(training):
        with tf.GradientTape() as tape:
            scores = answerer(regions, tf.constant(TOKENS[None]), training=training)
            loss = tf.reduce_sum(scores**2)
        return [scores, *tape.gradient(loss, answerer.trainable_variables)]

    for once, each in zip(gradients(True), gradients(False), strict=True):
        if isinstance(once, tf.IndexedSlices):
            once, each = tf.convert_to_tensor(once), tf.convert_to_tensor(each)
        np.testing.assert_allclose(once, each, rtol=1e-4, atol=1e-5)


def test_xla():
    keras.utils.set_random_seed(0)
    weights = tf.random.normal((10, 4))
    compiled = tf.function(
        lambda tokens: read_distinct(lambda ids: tf.gather(weights, ids), tokens),
        jit_compile=True,
    )
    np.testing.assert_array_equal(compiled(TOKENS), tf.gather(weights, TOKENS))
