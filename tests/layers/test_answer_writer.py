import numpy as np
import tensorflow as tf

from mmkeras.layers import AnswerWriter, TextDecoder


def writer():
    return AnswerWriter(
        TextDecoder(20, 6, 8, 1, 2, 16, word_attention=False, word_presence=False)
    )


def test_each_answer_is_about_its_own_vector():
    layer, rng = writer(), np.random.default_rng(0)
    ids = rng.integers(1, 20, (2, 3, 6)).astype("int32")
    fused = rng.normal(size=(2, 3, 8)).astype("float32")
    logits = np.asarray(layer(ids, fused))
    alone = layer.text_decoder(ids[1, 2:], fused[1, 2:, None])
    np.testing.assert_allclose(logits[1, 2], alone[0], atol=1e-5)
    fused[0, 1] += 1
    changed = np.any(np.asarray(layer(ids, fused)) != logits, axis=(2, 3))
    np.testing.assert_array_equal(changed, [[False, True, False], [False] * 3])


def test_all_weights_have_gradients():
    layer = writer()
    with tf.GradientTape() as tape:
        logits = layer(np.ones((1, 1, 6), "int32"), np.ones((1, 1, 8), "float32"))
        loss = tf.reduce_sum(logits**2)
    assert len(layer.trainable_weights) == len(layer.weights)
    gradients = tape.gradient(loss, layer.trainable_variables)
    assert all(gradient is not None for gradient in gradients)
