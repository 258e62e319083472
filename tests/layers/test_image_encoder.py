import keras
import numpy as np
import pytest
import tensorflow as tf

from mmkeras.layers import ImageEncoder


def cnn():
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(4, 3, strides=2, use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.DepthwiseConv2D(3),
            keras.layers.Conv2D(5, 1),
        ]
    )


def test_regions_are_the_cells_of_the_feature_map_row_by_row():
    model = keras.Sequential([keras.Input((2, 3, 3)), keras.layers.Conv2D(1, 1)])
    encoder = ImageEncoder(model)
    model.layers[0].set_weights([np.ones((1, 1, 3, 1)), np.zeros(1)])
    images = np.arange(18, dtype="float32").reshape(1, 2, 3, 3)
    # 0 + 1 + 2, 3 + 4 + 5, ...
    np.testing.assert_array_equal(np.ravel(encoder(images)), [3, 12, 21, 30, 39, 48])
    assert (encoder.rows, encoder.columns, encoder.channels) == (2, 3, 1)


def test_a_model_without_a_feature_map_is_refused():
    flat = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    with pytest.raises(ValueError, match="must end in a feature map"):
        ImageEncoder(flat)


def test_a_frozen_encoder_keeps_its_statistics():
    encoder = ImageEncoder(cnn(), trainable=False)
    images = np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype("float32")
    before = np.asarray(encoder(images))
    encoder(tf.constant(images) * 5 + 3, training=True)
    np.testing.assert_array_equal(encoder(images), before)
    assert not encoder.trainable_weights


def test_the_last_layers_are_unfrozen():
    encoder = ImageEncoder(cnn(), trainable=False)
    encoder.unfreeze(2)
    trained = {v.path for v in encoder.trainable_variables}
    assert trained == {
        v.path for part in encoder.model.layers[2:] for v in part.weights
    }
    again = ImageEncoder.from_config(encoder.get_config())
    trained = [layer.trainable for layer in again.model.layers]
    assert trained == [False, False, True, True]
    # Batch normalization is not trained even with all the rest.
    encoder.unfreeze()
    assert len(encoder.trainable_variables) == 5
    encoder.unfreeze(np.int64(0))
    assert not encoder.trainable_variables and not encoder.trainable
    with pytest.raises(ValueError, match="at least 0 and at most 3.*last_layers=4"):
        encoder.unfreeze(4)
    with pytest.raises(ValueError, match="an integer .*last_layers='2'"):
        encoder.unfreeze("2")
