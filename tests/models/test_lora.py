import h5py
import keras
import numpy as np
import pytest

from mmkeras.layers import ImageEncoder
from mmkeras.models.lora import (
    adapted,
    enable_lora,
    load_lora,
    merge_lora,
    save_lora,
)


def cnn():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(4, 3, strides=2, use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.DepthwiseConv2D(3),
            keras.layers.Dense(5),
        ]
    )


def disturb(layer):
    """Sets the adapters to nonzero values, as after training."""
    rng = np.random.default_rng(0)
    for part in adapted(layer):
        part.lora_kernel_b.assign(rng.normal(size=part.lora_kernel_b.shape))


IMAGES = np.random.default_rng(1).normal(size=(2, 8, 8, 3)).astype("float32")


def test_outputs_are_unchanged_initially_and_only_adapters_are_trained():
    model = cnn()
    before = model.predict(IMAGES, verbose=0)
    enable_lora(model, rank=2)
    np.testing.assert_allclose(model.predict(IMAGES, verbose=0), before, atol=1e-6)
    # Of the convolution [3 * 3 * 3 inputs, 2] and [2, 4]; of the dense layer [4, 2]
    # and [2, 5]: Keras keeps the first as [3, 3, 3, 2]. The depthwise one has none.
    shapes = [tuple(v.shape) for v in model.trainable_variables]
    assert sorted(shapes) == sorted([(3, 3, 3, 2), (2, 4), (4, 2), (2, 5)])
    statistics = [v.numpy() for v in model.layers[1].weights]
    model(IMAGES, training=True)
    for value, weight in zip(statistics, model.layers[1].weights, strict=True):
        np.testing.assert_array_equal(value, weight)


def test_alpha_scales_by_hand():
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    layer.build((None, 2))
    enable_lora(layer, rank=2, alpha=6.0)
    layer.lora_kernel_a.assign([[1.0, 0.0], [0.0, 1.0]])
    layer.lora_kernel_b.assign([[2.0], [5.0]])
    # 6 / 2 × (1 × 2 + 1 × 5) = 21
    assert float(layer(np.ones((1, 2)))[0, 0]) == pytest.approx(21.0)


def test_merging_preserves_the_outputs():
    model = cnn()
    enable_lora(model, rank=2, alpha=3.0)
    disturb(model)
    before = model.predict(IMAGES, verbose=0)
    merge_lora(model)
    np.testing.assert_allclose(model.predict(IMAGES, verbose=0), before, atol=1e-5)
    for part in adapted(model):
        assert not np.any(part.lora_kernel_b)


def test_adapters_are_saved_separately(tmp_path):
    model, path = cnn(), tmp_path / "a.lora.h5"
    weights = model.get_weights()
    enable_lora(model, rank=2, alpha=3.0)
    disturb(model)
    save_lora({"cnn": model}, path)
    again = cnn()
    again.set_weights(weights)
    load_lora({"cnn": again}, path)
    np.testing.assert_allclose(
        again.predict(IMAGES, verbose=0), model.predict(IMAGES, verbose=0), atol=1e-6
    )
    # 3 * 3 * 3 * 2 + 2 * 4 + 4 * 2 + 2 * 5 = 80 numbers, and no kernel.
    with h5py.File(path) as file:
        sizes = []
        file.visititems(lambda _, item: sizes.append(getattr(item, "size", 0)))
    assert sum(sizes) == 80


def test_adapters_of_other_weights_are_refused(tmp_path):
    model, path = cnn(), tmp_path / "a.lora.h5"
    enable_lora(model, rank=2)
    save_lora({"cnn": model}, path)
    other = cnn()
    other.layers[0].kernel.assign(other.layers[0].kernel + 1.0)
    with pytest.raises(ValueError, match="trained on other weights"):
        load_lora({"cnn": other}, path)
    with pytest.raises(ValueError, match="adapters for 'cnn', which this model lacks"):
        load_lora({"text": cnn()}, path)


def test_errors(tmp_path):
    model = cnn()
    with pytest.raises(ValueError, match="rank=0"):
        enable_lora(model, 0)
    with pytest.raises(ValueError, match="no adapters"):
        save_lora({"cnn": model}, tmp_path / "a.h5")
    with pytest.raises(ValueError, match="no `Dense` or `Conv2D`"):
        enable_lora(keras.Sequential([keras.Input((3,)), keras.layers.ReLU()]), 2)
    enable_lora(model, 2)
    with pytest.raises(ValueError, match="already has adapters"):
        enable_lora(model, 2)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_lora({"cnn": model}, tmp_path / "missing.h5")
    (tmp_path / "text.h5").write_text("no adapters")
    with pytest.raises(ValueError, match="not a complete HDF5 file"):
        load_lora({"cnn": model}, tmp_path / "text.h5")
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    with pytest.raises(ValueError, match="contains no adapters"):
        load_lora({"cnn": model}, tmp_path / "empty.h5")


def test_an_adapted_encoder_is_saved_without_adapters():
    encoder = ImageEncoder(cnn())
    enable_lora(encoder, 2)
    config = encoder.get_config()
    assert "lora" not in str(config) and config["trainable"] is False
    assert not adapted(ImageEncoder.from_config(config))
