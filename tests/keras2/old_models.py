"""Keras 2 models, built with tf_keras."""

import numpy as np
import tensorflow as tf
import tf_keras

L = tf_keras.layers


def disturbed(model):
    """Sets batch normalization to values other than initial ones, as in training."""
    rng = np.random.default_rng(1)
    for layer in model._flatten_layers():
        if isinstance(layer, L.BatchNormalization):
            layer.set_weights(
                [
                    rng.uniform(0.5, 1.5, w.shape)
                    if name in ("gamma", "moving_variance")
                    else rng.normal(0, 0.3, w.shape)
                    for w in layer.weights
                    for name in [w.name.split("/")[-1].split(":")[0]]
                ]
            )
    return model


def mobilenet(**kwargs):
    settings = {"input_shape": (64, 64, 3), "alpha": 0.35, "include_top": False}
    return disturbed(
        tf_keras.applications.MobileNetV2(**{**settings, **kwargs}, weights=None)
    )


def small_cnn(**kwargs):
    """With a sequential stem, a shared layer and a slash in a name."""
    pixels = tf_keras.Input((32, 32, 3), name="pixels")
    stem = tf_keras.Sequential(
        [
            L.Rescaling(1 / 127.5, -1.0),
            L.Conv2D(4, 3, strides=4, padding="same", activation="hard_sigmoid"),
            L.BatchNormalization(),
        ],
        name="stem",
    )
    shared = L.DepthwiseConv2D(3, padding="same", name="block/depthwise")
    x = stem(pixels)
    x = L.Add()([shared(x), shared(shared(x))])
    x = L.LeakyReLU(0.1)(L.SeparableConv2D(6, 3, padding="same")(x))
    return disturbed(tf_keras.Model(pixels, x, name="small/cnn", **kwargs))


def text_model(length=None, mask_zero=True):
    """Token ids to a vector for each: recurrent layers and attention."""
    ids = tf_keras.Input((length,), dtype="int32", name="ids")
    x = L.Embedding(20, 8, mask_zero=mask_zero)(ids)
    x = L.Bidirectional(L.GRU(4, return_sequences=True, reset_after=False))(x)
    x = L.Add()([x, L.MultiHeadAttention(2, 4)(x, x)])
    x = L.LayerNormalization()(x)
    x = L.LSTM(6, return_sequences=True, recurrent_activation="hard_sigmoid")(x)
    return tf_keras.Model(ids, x)


def operations():
    """Token ids and a mask, with TensorFlow functions between the layers."""
    ids = tf_keras.Input((None,), dtype="int32", name="ids")
    mask = tf_keras.Input((None,), name="attention_mask")
    positions = tf.range(tf.shape(ids)[1])
    x = L.Embedding(20, 8)(ids) + L.Embedding(50, 8)(positions)
    scores = tf.matmul(x, x, transpose_b=True) + (1.0 - mask[:, None]) * -1e9
    x = tf.concat([tf.matmul(tf.nn.softmax(scores), x), 0.5 * x], axis=-1)
    shape = tf.shape(x)
    x = tf.transpose(tf.reshape(x, [shape[0], shape[1], 2, 8]), [0, 1, 3, 2])
    x = tf.reshape(x, (-1, shape[1], 16))
    return tf_keras.Model([ids, mask], x * mask[..., tf.newaxis])


def recurrent():
    """Cells, states passed on to other layers, and wrappers."""
    series = tf_keras.Input((5, 4))
    cells = [L.LSTMCell(3), L.GRUCell(4)]
    x = L.RNN(cells, return_sequences=True)(series)
    output, state, cell = L.LSTM(4, return_sequences=True, return_state=True)(x)
    y = L.LSTM(4, return_sequences=True)(x, initial_state=[state, cell])
    y = L.Attention(use_scale=True)([y, output])
    y = L.TimeDistributed(L.Dense(3, activation=L.LeakyReLU(0.3)))(y)
    both = L.Bidirectional(L.GRU(3), backward_layer=L.LSTM(3, go_backwards=True))
    return tf_keras.Model(series, [y, both(x)])


def normalizing():
    """Layers adapted to data, renamed in Keras 3, or without effect in inference."""
    pixels = tf_keras.Input((None, None, 3))
    adapted = L.Normalization()
    adapted.adapt(np.random.default_rng(0).uniform(0, 200, (4, 8, 8, 3)))
    x = L.RandomFlip()(adapted(pixels))
    x = L.Conv2DTranspose(4, 3, strides=2)(L.SpatialDropout2D(0.1)(x))
    x = L.PReLU(shared_axes=[1, 2])(L.experimental.SyncBatchNormalization()(x))
    x = L.GroupNormalization(2)(L.UpSampling2D(2, interpolation="bilinear")(x))
    x = L.ThresholdedReLU(0.1)(L.ELU()(L.GaussianNoise(0.1)(x)))
    return disturbed(tf_keras.Model(pixels, L.Resizing(8, 8)(x)[:, ::2, ..., 1:]))


class Squash(L.Layer):
    """A custom layer with a weight."""

    def __init__(self, power=2, **kwargs):
        super().__init__(**kwargs)
        self.power = power

    def build(self, input_shape):
        self.factor = self.add_weight("factor", input_shape[-1:])

    def call(self, x):
        return self.factor * x**self.power

    def get_config(self):
        return {**super().get_config(), "power": self.power}


def squashing():
    x = tf_keras.Input((8, 8, 3))
    inner = tf_keras.Sequential([L.Conv2D(4, 3, input_shape=(8, 8, 3))], name="first")
    return tf_keras.Model(x, L.Conv2D(2, 1)(Squash(power=3, name="squash")(inner(x))))
