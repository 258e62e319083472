import keras
import numpy as np
import pytest

from mmkeras.optimizers import ConvMuon


def variable(shape, name="kernel", value=None):
    made = keras.Variable(np.zeros(shape, "float32"), name=name)
    if value is not None:
        made.assign(value)
    return made


def step(shape, gradient, name="kernel", **kwargs):
    made = variable(shape, name)
    options = {"weight_decay": 0.0, "adam_weight_decay": 0.0, **kwargs}
    optimizer = ConvMuon(0.1, **options)
    optimizer.build([made])
    optimizer.apply([gradient.reshape(shape)])
    return np.asarray(made), optimizer


def test_a_kernel_is_updated_as_its_matrix():
    gradient = np.random.default_rng(0).normal(size=(18, 8)).astype("float32")
    kernel, optimizer = step((3, 3, 2, 8), gradient)
    matrix, _ = step((18, 8), gradient)
    np.testing.assert_allclose(kernel.reshape(18, 8), matrix, atol=1e-6)
    # The step of Muon is near orthogonal: its singular values are 1, give or take
    # the 30% that five steps leave, times 0.1 · 0.2 · √18 = 0.0849.
    values = np.linalg.svd(kernel.reshape(18, 8), compute_uv=False)
    assert np.all(values > 0.6 * 0.0849) and np.all(values < 1.3 * 0.0849)
    assert optimizer.adam_velocities == [None]


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        ((3, 3, 8, 1), "kernel"),
        ((3, 3, 8, 2), "depthwise_kernel"),
        ((3, 3, 2, 8), "head_1_kernel"),
        ((3, 3, 2, 8), "patch_embedding_kernel"),
        ((20, 8), "token_embedding"),
        ((8,), "bias"),
    ],
)
def test_what_is_no_matrix_is_updated_by_adamw(shape, name):
    gradient = np.random.default_rng(0).normal(size=shape).astype("float32")
    made, _ = step(shape, gradient, name, exclude_layers=[r"head_\d"])
    # The first step of Adam is the learning rate against the sign.
    np.testing.assert_allclose(made, -0.1 * np.sign(gradient), atol=1e-4)


def test_config_round_trip():
    optimizer = ConvMuon(1e-3, momentum=0.9, exclude_layers=["head"])
    config = keras.saving.serialize_keras_object(optimizer)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is ConvMuon
    assert again.get_config() == optimizer.get_config()
