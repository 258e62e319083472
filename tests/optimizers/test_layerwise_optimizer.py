import keras
import numpy as np
import pytest

from mmkeras.optimizers import ConvMuon, LayerwiseOptimizer


def variables():
    return [
        keras.Variable(np.ones(shape, "float32"), name=name)
        for name, shape in (("slow", (2,)), ("fast", (3,)), ("matrix", (2, 2)))
    ]


def step(optimizer, found, value=1.0):
    optimizer.apply([keras.ops.full(v.shape, value) for v in found], found)


def test_sgd_by_hand():
    slow, fast, matrix = found = variables()
    optimizer = LayerwiseOptimizer(
        keras.optimizers.SGD(0.5, momentum=0.9), {slow.path: 0.1}
    )
    for _ in range(2):
        step(optimizer, found)
    # Steps of lr, then of lr × (0.9 + 1): 1 - 0.5 × 2.9 = -0.45, and a tenth of it.
    np.testing.assert_allclose(fast, np.full(3, -0.45), atol=1e-6)
    np.testing.assert_allclose(matrix, np.full((2, 2), -0.45), atol=1e-6)
    np.testing.assert_allclose(slow, np.full(2, 1 - 0.145), atol=1e-6)
    assert int(optimizer.iterations) == 2


def test_weight_decay_goes_with_the_rate():
    slow, fast, _ = found = variables()
    optimizer = LayerwiseOptimizer(
        keras.optimizers.SGD(0.5, weight_decay=0.2), {slow.path: 0.1}
    )
    step(optimizer, found, 0.0)
    # 1 - lr × 0.2
    np.testing.assert_allclose(fast, np.full(3, 0.9), atol=1e-6)
    np.testing.assert_allclose(slow, np.full(2, 0.99), atol=1e-6)


def test_schedules_are_scaled():
    slow, fast, _ = found = variables()
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0], [1.0, 0.5])
    optimizer = LayerwiseOptimizer(keras.optimizers.SGD(schedule), {slow.path: 0.1})
    for _ in range(2):
        step(optimizer, found)
    # 1 - 1 - 0.5; 1 - 0.1 - 0.05
    np.testing.assert_allclose(fast, np.full(3, -0.5), atol=1e-6)
    np.testing.assert_allclose(slow, np.full(2, 0.85), atol=1e-6)


def test_setting_the_rate_sets_it_for_all():
    slow, fast, _ = found = variables()
    optimizer = LayerwiseOptimizer(keras.optimizers.SGD(0.5), {slow.path: 0.1})
    optimizer.learning_rate = 2.0
    step(optimizer, found)
    np.testing.assert_allclose(fast, np.full(3, -1.0), atol=1e-6)
    np.testing.assert_allclose(slow, np.full(2, 0.8), atol=1e-6)
    assert float(optimizer.learning_rate) == 2.0


def test_steps_are_counted_when_every_variable_has_a_factor():
    found = variables()
    optimizer = LayerwiseOptimizer(
        keras.optimizers.SGD(0.5), {v.path: 0.5 for v in found}
    )
    step(optimizer, found)
    assert int(optimizer.iterations) == 1


def test_config_and_state_come_back():
    found = variables()
    optimizer = LayerwiseOptimizer(ConvMuon(0.01), {found[0].path: 0.1})
    step(optimizer, found)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
    again.build(found)
    again.set_weights([keras.ops.convert_to_numpy(v) for v in optimizer.variables])
    copies = variables()
    for copy, value in zip(copies, found, strict=True):
        copy.assign(value)
    step(optimizer, found)
    # The same state and values: the same step. Paths of the copies are the same.
    other = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    other.build(copies)
    other.set_weights([keras.ops.convert_to_numpy(v) for v in again.variables])
    step(other, copies)
    for one, two in zip(found, copies, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)


def test_trains_a_model():
    model = keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(1)])
    model.build((None, 3))
    first = [v.path for v in model.layers[0].trainable_variables]
    model.compile(
        LayerwiseOptimizer(keras.optimizers.Adam(0.05), dict.fromkeys(first, 0.1)),
        "mse",
    )
    x = np.random.default_rng(0).normal(size=(64, 3))
    losses = model.fit(x, x.sum(1), epochs=10, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("optimizer", "factors", "message"),
    [
        (keras.optimizers.SGD(), {"a": 0.0}, r"above 0.*\{'a': 0\.0\}"),
        (keras.optimizers.SGD(global_clipnorm=1.0), {}, "global_clipnorm=1.0"),
    ],
)
def test_what_cannot_be(optimizer, factors, message):
    with pytest.raises(ValueError, match=message):
        LayerwiseOptimizer(optimizer, factors)


def test_a_used_optimizer_is_refused():
    optimizer = keras.optimizers.SGD()
    optimizer.build(variables())
    with pytest.raises(ValueError, match="not been used yet"):
        LayerwiseOptimizer(optimizer, {})
