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


def test_matrices_of_a_size_are_updated_as_each_alone():
    rng = np.random.default_rng(0)
    shapes = [(2, 3), (3, 2), (1, 1, 3, 2), (2, 3)]
    gradients = [rng.normal(size=shape).astype("float32") for shape in shapes]
    together = [variable(shape) for shape in shapes]
    ConvMuon(0.1, weight_decay=0.0).apply(gradients, together)
    for made, shape, gradient in zip(together, shapes, gradients, strict=True):
        alone, _ = step(shape, gradient)
        np.testing.assert_allclose(made, alone, atol=1e-6)


def test_clipping_and_weight_decay_by_hand():
    bias = variable((2,), "bias", np.ones(2))
    optimizer = ConvMuon(0.1, adam_weight_decay=0.5, clipnorm=1.0)
    optimizer.apply([np.array([3.0, 4.0], "float32")], [bias])
    # The norm is 5, so the gradient is clipped to (0.6, 0.8), a tenth of which is
    # Adam's first momentum. 1 · (1 - 0.1 · 0.5) - 0.1 = 0.85
    np.testing.assert_allclose(optimizer.momentums[0], [0.06, 0.08], atol=1e-6)
    np.testing.assert_allclose(bias, [0.85, 0.85], atol=1e-4)


def test_a_gradient_of_zero_changes_nothing():
    bias, kernel = variable((2,), "bias", np.ones(2)), variable((2, 2))
    optimizer = ConvMuon(0.1, adam_weight_decay=0.0, clipnorm=1.0)
    optimizer.apply(
        [np.zeros(2, "float32"), np.zeros((2, 2), "float32")], [bias, kernel]
    )
    np.testing.assert_array_equal(bias, np.ones(2))
    np.testing.assert_array_equal(kernel, np.zeros((2, 2)))


class CountedRate(keras.optimizers.schedules.LearningRateSchedule):
    asked = 0

    def __call__(self, step):
        self.asked += 1
        return 0.1


def test_the_schedule_is_asked_once_for_all_variables():
    rate = CountedRate()
    found = [variable((2, 2)), variable((2,), "bias"), variable((3,), "scale")]
    ConvMuon(rate).apply([np.ones(v.shape, "float32") for v in found], found)
    # Once for the decay of weights, once for the update.
    assert rate.asked == 2


def test_config_round_trip():
    optimizer = ConvMuon(1e-3, momentum=0.9, exclude_layers=["head"])
    config = keras.saving.serialize_keras_object(optimizer)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is ConvMuon
    assert again.get_config() == optimizer.get_config()
